using System;
using System.Collections.Generic;
using System.IO;

namespace Vcg.Bridge.Local
{
    /// <summary>One file of a bundle on its way into a game's project.</summary>
    public sealed class InstalledFile
    {
        internal InstalledFile(string path, string asset, string network)
        {
            Path = path;
            Asset = asset;
            Network = network;
        }

        /// <summary>Its path in the bundle.</summary>
        public string Path { get; }

        /// <summary>Its name in the project's folder. Files that Unity would import as something else end with ".bytes".</summary>
        public string Asset { get; }

        /// <summary>Id of the network whose ONNX file is to be imported by the inference package; null for plain bytes.</summary>
        public string Network { get; }
    }

    /// <summary>Which files of a bundle a game ships, and as what: the manifest, the credits, and the networks that its layers
    /// need. Pictures and the model card stay behind.</summary>
    public static class BundleInstall
    {
        /// <summary>The files, the manifest first.</summary>
        /// <param name="bundle">an opened bundle</param>
        /// <param name="import">ONNX files are also put where the inference package imports them</param>
        /// <param name="layers">only the networks of these; null: of all</param>
        public static IList<InstalledFile> Plan(Bundle bundle, bool import, IEnumerable<string> layers = null)
        {
            var files = new List<InstalledFile> { new InstalledFile(Bundle.ManifestFile, Bundle.ManifestFile + ".bytes", null) };
            if (bundle.Manifest.Files.ContainsKey(LocalCredits.File))
                files.Add(new InstalledFile(LocalCredits.File, LocalCredits.File + ".bytes", null));
            var needed = new HashSet<string>(StringComparer.Ordinal);
            var wanted = layers == null ? null : new HashSet<string>(layers, StringComparer.Ordinal);
            foreach (BundleLayer layer in bundle.Manifest.Layers)
                if (wanted == null || wanted.Contains(layer.Id))
                    foreach (BundlePart part in layer.Parts)
                        needed.Add(part.Network.Id);
            foreach (BundleNetwork network in bundle.Manifest.Networks)
            {
                if (!needed.Contains(network.Id))
                    continue;
                string name = network.File.Replace('/', '-');
                files.Add(new InstalledFile(network.File, name + ".bytes", null));
                if (import)
                    files.Add(new InstalledFile(network.File, name, network.Id));
            }
            return files;
        }

        /// <summary>Write the files into a folder, which is made where it is missing. Each is checked against its hash.</summary>
        /// <exception cref="VcgException">code "bundle": a file is missing or changed</exception>
        /// <exception cref="IOException">the folder cannot be written</exception>
        public static void Write(Bundle bundle, IEnumerable<InstalledFile> files, string folder)
        {
            Directory.CreateDirectory(folder);
            foreach (InstalledFile file in files)
                AtomicFile.Write(
                    Path.Combine(folder, file.Asset),
                    file.Path == Bundle.ManifestFile ? bundle.ManifestBytes() : bundle.Read(file.Path));
        }
    }
}
