using System;
using System.Collections.Generic;
using UnityEngine;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// A bundle as an asset of a game: its manifest, credits and networks as bytes, and, where the inference package is
    /// installed, the same networks as that package has imported them. Assets > VCG Bridge > Add Bundle to Game makes one.
    /// </summary>
    public sealed class VcgBundle : ScriptableObject
    {
        [Serializable]
        struct Bytes
        {
            public string path; // in the bundle
            public TextAsset data;
        }

        [Serializable]
        struct Model
        {
            public string network; // id in the manifest
            public UnityEngine.Object asset; // a ModelAsset; the type is only known where the package is
        }

        [SerializeField]
        Bytes[] files = new Bytes[0];

        [SerializeField]
        Model[] models = new Model[0];

        /// <summary>Takes the place of what the asset held. For the editor.</summary>
        /// <param name="files">path in the bundle -> asset</param>
        /// <param name="models">id of a network -> imported asset</param>
        public void Set(IDictionary<string, TextAsset> files, IDictionary<string, UnityEngine.Object> models)
        {
            var bytes = new List<Bytes>();
            foreach (KeyValuePair<string, TextAsset> file in files)
                bytes.Add(new Bytes { path = file.Key, data = file.Value });
            var imported = new List<Model>();
            foreach (KeyValuePair<string, UnityEngine.Object> model in models)
                imported.Add(new Model { network = model.Key, asset = model.Value });
            this.files = bytes.ToArray();
            this.models = imported.ToArray();
        }

        /// <summary>The files, read now. On the main thread only.</summary>
        public BundleFiles Read()
        {
            var read = new Dictionary<string, byte[]>();
            foreach (Bytes file in files)
                if (file.data != null)
                    read[file.path] = file.data.bytes;
            return BundleFiles.FromBytes(read);
        }

        /// <summary>The imported asset of a network, null where there is none.</summary>
        public UnityEngine.Object ModelOf(string network)
        {
            foreach (Model model in models)
                if (model.network == network)
                    return model.asset;
            return null;
        }
    }
}
