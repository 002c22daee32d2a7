using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>Characters in a folder, so that a game asks for each of them once. Safe in threads, and for several games
    /// that use one folder: files are whole or not there.</summary>
    /// <remarks>What goes wrong with the folder (full, read-only) costs only time: then a character is simply not found.</remarks>
    public sealed class CharacterCache
    {
        const string Extension = ".vcgc";
        readonly string folder;
        readonly long maxBytes;
        readonly object sweeping = new object();

        /// <summary>A cache in that folder, which is made when it is needed.</summary>
        /// <param name="folder">of the cache alone</param>
        /// <param name="maxBytes">of all its files; those that were not used for the longest time go first</param>
        public CharacterCache(string folder, long maxBytes = 128L << 20)
        {
            this.folder = folder;
            this.maxBytes = maxBytes;
        }

        /// <summary>Names what is asked for: the recipe, byte for byte, and the animations.</summary>
        /// <param name="recipe">of the character</param>
        /// <param name="animations">ids; none: all of the model</param>
        public static string Key(Recipe recipe, IEnumerable<string> animations)
        {
            var wanted = string.Join(",", animations);
            var name = RecipeJson.Write(recipe).Concat(Encoding.UTF8.GetBytes("\n" + wanted)).ToArray();
            using (var sha = SHA256.Create())
                return Hex.Of(sha.ComputeHash(name), 20);
        }

        /// <summary>The character of that key, or null. A damaged file is removed.</summary>
        public CachedCharacter Find(string key)
        {
            var path = PathOf(key);
            try
            {
                if (!File.Exists(path))
                    return null;
                var found = CachedCharacter.FromFile(File.ReadAllBytes(path));
                if (found == null)
                    File.Delete(path);
                else
                    File.SetLastWriteTimeUtc(path, DateTime.UtcNow); // it was of use
                return found;
            }
            catch (Exception error) when (IsFolders(error))
            {
                return null;
            }
        }

        /// <summary>Keep a character.</summary>
        /// <returns>Whether that was possible.</returns>
        public bool Keep(string key, CachedCharacter character)
        {
            try
            {
                Directory.CreateDirectory(folder);
                AtomicFile.Write(PathOf(key), character.ToFile());
                lock (sweeping)
                    Sweep(key);
                return true;
            }
            catch (Exception error) when (IsFolders(error))
            {
                return false;
            }
        }

        void Sweep(string justKept)
        {
            var files = new DirectoryInfo(folder).GetFiles("*" + Extension).OrderByDescending(file => file.LastWriteTimeUtc);
            long kept = 0;
            foreach (var file in files)
            {
                kept += file.Length;
                if (kept > maxBytes && file.Name != justKept + Extension)
                    file.Delete();
            }
        }

        string PathOf(string key)
        {
            return Path.Combine(folder, key + Extension);
        }

        static bool IsFolders(Exception error)
        {
            return error is IOException || error is UnauthorizedAccessException;
        }
    }
}
