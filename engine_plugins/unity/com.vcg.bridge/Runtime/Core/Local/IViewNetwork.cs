using System;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Local
{
    /// <summary>Something that runs one network of a bundle in single precision: Unity's Inference Engine, or whatever a game
    /// has. Its results need not be exact: pixels that float noise could change are drawn again in double precision.</summary>
    public interface IViewNetwork : IDisposable
    {
        /// <summary>Draw some views. Called from any thread; may be called again before the task is done.</summary>
        /// <param name="codes">style codes [N, code length], one behind the other</param>
        /// <param name="views">number of the view of each, N</param>
        /// <param name="cancel">says that nobody waits for it any more</param>
        /// <returns>logits [N, classes, height, width]</returns>
        Task<float[]> LogitsAsync(float[] codes, int[] views, CancellationToken cancel);
    }
}
