using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>The forms of ids and paths that a bundle may use, and the nearest of some names.</summary>
    internal static class Names
    {
        const int MaxSlug = 64;

        static bool IsLower(char character)
        {
            return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
        }

        /// <summary>Lower-case letters and digits, with '.', '_' and '-' between; never "..".</summary>
        public static bool IsSlug(string text)
        {
            if (text.Length < 1 || text.Length > MaxSlug || !IsLower(text[0]) || !IsLower(text[text.Length - 1]))
                return false;
            for (int i = 0; i < text.Length; i++)
            {
                char character = text[i];
                bool between = character == '.' || character == '_' || character == '-';
                if (!IsLower(character) && !between)
                    return false;
                if (character == '.' && text[i - 1] == '.')
                    return false;
            }
            return true;
        }

        public static bool IsSha256(string text)
        {
            if (text.Length != 64)
                return false;
            foreach (char character in text)
            {
                if (!((character >= '0' && character <= '9') || (character >= 'a' && character <= 'f')))
                    return false;
            }
            return true;
        }

        /// <summary>A relative path of plain names with '/' between: no "..", drive, backslash or hidden file.</summary>
        public static bool IsSafePath(string path)
        {
            if (path.Length > 200)
                return false;
            foreach (string part in path.Split('/'))
            {
                if (part.Length < 1 || part.Length > 100 || part.EndsWith(".", StringComparison.Ordinal) || part[part.Length - 1] == ' ')
                    return false;
                for (int i = 0; i < part.Length; i++)
                {
                    char character = part[i];
                    bool word = IsLower(character) || (character >= 'A' && character <= 'Z') || character == '_';
                    bool later = i > 0 && (character == '.' || character == ' ' || character == '-');
                    if (!word && !later)
                        return false;
                }
            }
            return true;
        }

        /// <summary>A hint with the nearest name, "" where none is near.</summary>
        public static string Near(string name, IEnumerable<string> names)
        {
            string best = "";
            int least = Math.Max(2, name.Length / 3) + 1;
            foreach (string other in names)
            {
                if (Math.Abs(other.Length - name.Length) < least)
                {
                    int distance = Distance(name, other);
                    if (distance < least)
                    {
                        least = distance;
                        best = other;
                    }
                }
            }
            return best.Length > 0 ? "did you mean '" + best + "'?" : "";
        }

        static int Distance(string first, string second)
        {
            var above = new int[second.Length + 1];
            var row = new int[second.Length + 1];
            for (int j = 0; j < above.Length; j++)
                above[j] = j;
            for (int i = 1; i <= first.Length; i++)
            {
                row[0] = i;
                for (int j = 1; j <= second.Length; j++)
                {
                    int change = above[j - 1] + (first[i - 1] == second[j - 1] ? 0 : 1);
                    row[j] = Math.Min(change, Math.Min(above[j], row[j - 1]) + 1);
                }
                int[] swap = above;
                above = row;
                row = swap;
            }
            return above[second.Length];
        }
    }
}
