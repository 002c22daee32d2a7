using System;

#if STUB_SENTIS
namespace Unity.Sentis // com.unity.sentis@2.1/Unity.Sentis
#else
namespace Unity.InferenceEngine // com.unity.ai.inference@2.3/Unity.InferenceEngine
#endif
{
    public class ModelAsset : UnityEngine.ScriptableObject // com.unity.ai.inference@2.3/Unity.InferenceEngine.ModelAsset
    {
    }

    public class Model // com.unity.ai.inference@2.3/Unity.InferenceEngine.Model
    {
    }

    public static class ModelLoader // com.unity.ai.inference@2.3/Unity.InferenceEngine.ModelLoader
    {
        public static Model Load(ModelAsset modelAsset) { return null; } // com.unity.ai.inference@2.3/Unity.InferenceEngine.ModelLoader.Load
    }

    public enum BackendType // com.unity.ai.inference@2.3/Unity.InferenceEngine.BackendType
    {
        CPU, // com.unity.ai.inference@2.3/Unity.InferenceEngine.BackendType.CPU
    }

    public struct TensorShape // com.unity.ai.inference@2.3/Unity.InferenceEngine.TensorShape
    {
        public TensorShape(int d0) { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.TensorShape.-ctor
        public TensorShape(int d1, int d0) { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.TensorShape.-ctor
    }

    public abstract class Tensor : IDisposable // com.unity.ai.inference@2.3/Unity.InferenceEngine.Tensor
    {
        public bool IsReadbackRequestDone() { return false; } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Tensor.IsReadbackRequestDone
        public void ReadbackRequest() { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Tensor.ReadbackRequest
        public void Dispose() { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Tensor.Dispose
    }

    public class Tensor<T> : Tensor where T : struct // com.unity.ai.inference@2.3/Unity.InferenceEngine.Tensor-1 (there: unmanaged, which C# 7.0 lacks)
    {
        public Tensor(TensorShape shape, T[] srcData, int dataStartIndex = 0) { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Tensor-1.-ctor
        public T[] DownloadToArray() { return null; } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Tensor-1.DownloadToArray
    }

    public class Worker : IDisposable // com.unity.ai.inference@2.3/Unity.InferenceEngine.Worker
    {
        public Worker(Model model, BackendType backendType) { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Worker.-ctor
        public void SetInput(string name, Tensor input) { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Worker.SetInput
        public void Schedule() { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Worker.Schedule
        public void Schedule(params Tensor[] inputs) { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Worker.Schedule
        public Tensor PeekOutput(string name) { return null; } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Worker.PeekOutput
        public void Dispose() { } // com.unity.ai.inference@2.3/Unity.InferenceEngine.Worker.Dispose
    }
}
