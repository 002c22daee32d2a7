using System;
using System.Collections.Generic;
using System.IO;

namespace Vcg.Bridge.Local
{
    /// <summary>Where the files of a bundle come from: a folder, or bytes that the game has loaded itself.</summary>
    public abstract class BundleFiles
    {
        internal const int MaxFileBytes = 256 << 20;

        /// <summary>A folder on disk.</summary>
        public static BundleFiles FromFolder(string folder)
        {
            return new FolderFiles(folder);
        }

        /// <summary>Bytes in memory, by their path in the bundle ("manifest.json", "hair.onnx"). They must not change.</summary>
        public static BundleFiles FromBytes(IDictionary<string, byte[]> files)
        {
            return new MemoryFiles(files);
        }

        /// <summary>For messages.</summary>
        public abstract string Place { get; }

        /// <summary>Bytes of a file, or null where it is not there. Throws <see cref="VcgException"/>.</summary>
        internal abstract byte[] Read(string path);

        /// <summary>Every .onnx file there is, by its path in the bundle.</summary>
        internal abstract IEnumerable<string> Graphs();

        internal VcgException Broken(string path, string problem, string hint = Bundle.Damaged)
        {
            return new VcgException("bundle", Place + ": " + path + ": " + problem, hint);
        }
    }

    internal sealed class MemoryFiles : BundleFiles
    {
        readonly Dictionary<string, byte[]> files;

        public MemoryFiles(IDictionary<string, byte[]> files)
        {
            this.files = new Dictionary<string, byte[]>(files, StringComparer.Ordinal);
        }

        public override string Place
        {
            get { return "bundle"; }
        }

        internal override byte[] Read(string path)
        {
            byte[] data;
            files.TryGetValue(path, out data);
            return data;
        }

        internal override IEnumerable<string> Graphs()
        {
            foreach (string path in files.Keys)
                if (path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
                    yield return path;
        }
    }

    internal sealed class FolderFiles : BundleFiles
    {
        readonly string folder;

        public FolderFiles(string folder)
        {
            this.folder = folder;
        }

        public override string Place
        {
            get { return folder; }
        }

        internal override byte[] Read(string path)
        {
            string full = Path.Combine(folder, path.Replace('/', Path.DirectorySeparatorChar));
            try
            {
                var info = new FileInfo(full);
                if (!info.Exists)
                    return null;
                // A link could lead to any file of this machine. Folders on the way are looked at too.
                for (string at = full; at.Length > folder.Length; at = Path.GetDirectoryName(at))
                    if ((File.GetAttributes(at) & FileAttributes.ReparsePoint) != 0)
                        throw Broken(path, "is a link", "do not use this bundle: it may be hostile");
                if (info.Length > MaxFileBytes)
                    throw Broken(path, "the file is larger than " + (MaxFileBytes >> 20) + " MiB");
                return File.ReadAllBytes(full);
            }
            catch (IOException error)
            {
                throw Broken(path, "cannot be read (" + error.Message + ")", "check the path and its permissions");
            }
            catch (UnauthorizedAccessException error)
            {
                throw Broken(path, "cannot be read (" + error.Message + ")", "check the path and its permissions");
            }
        }

        internal override IEnumerable<string> Graphs()
        {
            var found = new List<string>();
            if (!Directory.Exists(folder))
                return found;
            foreach (string path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
                if (path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
                    found.Add(path.Substring(folder.Length).TrimStart('/', '\\').Replace('\\', '/'));
            return found;
        }
    }
}
