using UnityEngine;
using UnityEngine.Scripting;
#if VCG_INFERENCE
using Unity.InferenceEngine;
#else
using Unity.Sentis;
#endif

// Nothing refers to this assembly; without this a build would leave it out.
[assembly: AlwaysLinkAssembly]

namespace Vcg.Bridge.Local
{
    /// <summary>A network of a bundle in Unity's inference package. Belongs to the main thread.</summary>
    internal sealed class InferenceNetwork : IFrameNetwork
    {
        readonly BundleNetwork network;
        readonly Worker worker;
        Tensor<float> codes;
        Tensor<int> views;
        Tensor<float> logits;

        InferenceNetwork(ModelAsset asset, BundleNetwork network)
        {
            this.network = network;
            // The CPU: these networks are small, and its float32 is what the tie rule was measured for. Of DirectML, which
            // GPUCompute may use, nothing was measured.
            worker = new Worker(ModelLoader.Load(asset), BackendType.CPU);
        }

        [RuntimeInitializeOnLoadMethod(RuntimeInitializeLoadType.SubsystemRegistration)]
        static void Register()
        {
            VcgLocalGenerator.Inference = Open;
        }

        static IFrameNetwork Open(UnityEngine.Object asset, BundleNetwork network)
        {
            var model = asset as ModelAsset;
            if (model == null)
                throw new VcgException(
                    "bundle", network.File + ": was not imported as a model",
                    "add the bundle to the game again, with the inference package installed");
            return new InferenceNetwork(model, network);
        }

        public bool IsDone
        {
            get { return logits.IsReadbackRequestDone(); }
        }

        public void Schedule(float[] newCodes, int[] newViews)
        {
            FreeInputs();
            codes = new Tensor<float>(new TensorShape(newViews.Length, newCodes.Length / newViews.Length), newCodes);
            views = new Tensor<int>(new TensorShape(newViews.Length), newViews);
            worker.SetInput(network.CodeInput, codes);
            worker.SetInput(network.ViewInput, views);
            worker.Schedule();
            logits = worker.PeekOutput(network.Output) as Tensor<float>;
            if (logits == null)
                throw new VcgException("bundle", network.File + ": gives no numbers", "add the bundle to the game again");
            logits.ReadbackRequest();
        }

        public float[] Take()
        {
            return logits.DownloadToArray();
        }

        public void Dispose()
        {
            worker.Dispose();
            FreeInputs();
        }

        void FreeInputs()
        {
            if (codes != null)
                codes.Dispose();
            if (views != null)
                views.Dispose();
            codes = null;
            views = null;
        }
    }
}
