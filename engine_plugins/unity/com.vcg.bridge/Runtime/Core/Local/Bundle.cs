using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>What is looked at when a bundle is opened.</summary>
    public enum BundleCheck
    {
        /// <summary>Every file the manifest names: is it there, and is its sha256 right? For bundles from elsewhere.</summary>
        All,

        /// <summary>Only the manifest. A network's file is checked when it is first used. For a bundle that a game was
        /// built with, of which it may ship only the files it needs.</summary>
        Manifest,
    }

    /// <summary>
    /// A bundle (a trained model as users install it) whose manifest has been checked. Nothing in it is believed: every field
    /// is checked before it is used, no path leaves the folder, and a network whose hash is not the manifest's is refused.
    /// </summary>
    public sealed class Bundle
    {
        /// <summary>Name of the file that describes all others.</summary>
        public const string ManifestFile = "manifest.json";

        internal const string Damaged = "the bundle is damaged or incomplete: install it again from where you got it";
        const string Hostile = "do not use this bundle: it may be hostile";
        const int MaxFiles = 1000;

        readonly BundleFiles files;

        Bundle(BundleFiles files, BundleManifest manifest)
        {
            this.files = files;
            Manifest = manifest;
        }

        /// <summary>What the bundle holds.</summary>
        public BundleManifest Manifest { get; }

        /// <summary>Where it came from, for messages.</summary>
        public string Place
        {
            get { return files.Place; }
        }

        /// <summary>Read and check a bundle.</summary>
        /// <exception cref="VcgException">code "bundle": what is wrong with it, and where</exception>
        public static Bundle Open(BundleFiles files, BundleCheck check = BundleCheck.All)
        {
            byte[] data = files.Read(ManifestFile);
            if (data == null)
                throw new VcgException(
                    "bundle", files.Place + ": not a bundle, it has no " + ManifestFile, "give a bundle's folder");
            BundleManifest manifest = ManifestReader.Read(data, files.Place + ": " + ManifestFile);
            var bundle = new Bundle(files, manifest);
            bundle.CheckPaths();
            if (check == BundleCheck.All)
                bundle.CheckFiles();
            return bundle;
        }

        void CheckPaths()
        {
            if (Manifest.Files.Count > MaxFiles)
                throw files.Broken(
                    ManifestFile, "names " + Manifest.Files.Count + " files; " + MaxFiles + " is the most");
            foreach (string path in Manifest.Files.Keys)
            {
                if (!Names.IsSafePath(path))
                    throw files.Broken(
                        ManifestFile, "files['" + path + "'] is not a plain path inside the bundle", Hostile);
                if (string.Equals(path, ManifestFile, StringComparison.OrdinalIgnoreCase))
                    throw files.Broken(ManifestFile, "the manifest cannot list itself");
            }
            foreach (BundleNetwork network in Manifest.Networks)
                if (!Manifest.Files.ContainsKey(network.File))
                    throw files.Broken(
                        ManifestFile, "'" + network.File + "' of the network '" + network.Id + "' is not listed in files");
        }

        void CheckFiles()
        {
            var listed = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (string path in Manifest.Files.Keys)
            {
                Read(path);
                listed.Add(path);
            }
            foreach (string path in files.Graphs())
                if (!listed.Contains(path))
                    throw files.Broken(
                        path, "is in the folder but not listed", "remove the file, or get the bundle again");
        }

        /// <summary>The manifest's own bytes, still the ones that were opened.</summary>
        internal byte[] ManifestBytes()
        {
            byte[] data = files.Read(ManifestFile);
            if (data == null || ManifestReader.Hex(data) != Manifest.Sha256)
                throw files.Broken(ManifestFile, "has changed since it was opened", "try again");
            return data;
        }

        /// <summary>A file that the manifest names, checked against its hash.</summary>
        /// <exception cref="VcgException">code "bundle": it is missing, or not what the manifest says</exception>
        public byte[] Read(string path)
        {
            string expected;
            if (!Manifest.Files.TryGetValue(path, out expected))
                throw files.Broken(path, "is no file of this bundle");
            byte[] data = files.Read(path);
            if (data == null)
                throw files.Broken(path, "the file is missing");
            string found = ManifestReader.Hex(data);
            if (found != expected)
                throw files.Broken(
                    path, "the sha256 is " + found.Substring(0, 12) + "..., the manifest says "
                    + expected.Substring(0, 12) + "...");
            return data;
        }
    }
}
