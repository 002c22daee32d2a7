using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Vcg.Bridge.Editor
{
    /// <summary>Where the command `vcg` is.</summary>
    public static class ServerProgram
    {
        const string Name = "vcg";

        /// <summary>The program to start, or null. The project's own environment comes first: somebody made it for it.</summary>
        /// <param name="configured">path of the program or of a folder that it is in; "": search</param>
        /// <param name="project">folder of the project</param>
        /// <param name="environment">value of an environment variable, null where it is not set</param>
        /// <param name="windows">whether this is Windows</param>
        public static string Find(string configured, string project, Func<string, string> environment, bool windows)
        {
            var names = windows ? new[] { Name + ".exe", Name + ".cmd" } : new[] { Name };
            if (!string.IsNullOrEmpty(configured))
                return File.Exists(configured) ? Path.GetFullPath(configured) : InFolder(configured, names);
            var scripts = windows ? "Scripts" : "bin";
            var folders = new List<string>();
            foreach (var root in new[] { project, Path.Combine(project, "..") })
                folders.Add(Path.Combine(root, ".venv", scripts));
            folders.AddRange((environment("PATH") ?? "").Split(Path.PathSeparator).Where(folder => folder.Length > 0));
            var home = environment("HOME");
            if (!windows && !string.IsNullOrEmpty(home)) // an editor started from a desktop often lacks what a shell adds
            {
                folders.Add(Path.Combine(home, ".local", "bin"));
                folders.Add("/opt/homebrew/bin");
                folders.Add("/usr/local/bin");
            }
            return folders.Select(folder => InFolder(folder, names)).FirstOrDefault(found => found != null);
        }

        static string InFolder(string folder, IEnumerable<string> names)
        {
            try
            {
                return names.Select(name => Path.GetFullPath(Path.Combine(folder, name))).FirstOrDefault(File.Exists);
            }
            catch (ArgumentException) // a PATH may hold anything
            {
                return null;
            }
        }
    }
}
