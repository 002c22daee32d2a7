using System;
using System.Collections.Generic;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>CREDITS.txt of a folder of characters: who drew what they are made of.</summary>
    public static class CreditsText
    {
        /// <summary>Name of the file.</summary>
        public const string FileName = "CREDITS.txt";

        const string Head = "Credits for the characters in this folder. They must reach everyone who gets a product made with them.\n";

        /// <summary>The file with these lines in it. What it says already is kept, whoever wrote it; only lines that are not
        /// in it are added. The same text as `vcg generate` writes.</summary>
        /// <param name="existing">What the file says now; "" where there is none.</param>
        /// <param name="lines">Credits of one character.</param>
        /// <param name="attribution">One line that a product must show.</param>
        /// <param name="licence">Of the model.</param>
        /// <param name="model">Title of the model, its name and version: "LPC Revised (lpc-revised 2.0.0)".</param>
        public static string Merge(string existing, IEnumerable<string> lines, string attribution, string licence, string model)
        {
            var text = new StringBuilder(existing.Trim().Length == 0 ? Head : existing.Replace("\r\n", "\n"));
            if (text[text.Length - 1] != '\n')
                text.Append('\n');
            var about = "Licence: " + licence + ". Model: " + model + ".";
            if (text.ToString().IndexOf(about, StringComparison.Ordinal) < 0)
                text.Append('\n').Append(attribution).Append('\n').Append(about).Append("\n\n");
            var known = new HashSet<string>();
            foreach (var line in text.ToString().Split('\n'))
                known.Add(Bare(line));
            foreach (var line in lines)
            {
                var words = string.Join(" ", line.Split((char[])null, StringSplitOptions.RemoveEmptyEntries));
                if (known.Add(Bare(words)))
                    text.Append("- ").Append(words).Append('\n');
            }
            return text.ToString();
        }

        static string Bare(string line)
        {
            line = line.Trim();
            return line.StartsWith("- ", StringComparison.Ordinal) ? line.Substring(2).Trim() : line;
        }
    }
}
