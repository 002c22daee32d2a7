using System;
using System.IO;

namespace Vcg.Bridge
{
    /// <summary>Files that are there whole or not at all.</summary>
    public static class AtomicFile
    {
        /// <summary>Write a file, or replace one. It is written under another name in the same folder first: one that begins
        /// with a dot, which Unity does not import.</summary>
        /// <exception cref="IOException">the folder cannot be written; the file is as it was</exception>
        /// <exception cref="UnauthorizedAccessException">likewise</exception>
        public static void Write(string path, byte[] data)
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(path));
            var temporary = Path.Combine(folder, "." + Path.GetFileName(path) + "." + Guid.NewGuid().ToString("N").Substring(0, 8) + ".tmp");
            try
            {
                File.WriteAllBytes(temporary, data);
                if (File.Exists(path))
                    File.Replace(temporary, path, null);
                else
                    File.Move(temporary, path);
            }
            finally
            {
                if (File.Exists(temporary))
                    File.Delete(temporary);
            }
        }
    }
}
