using System;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Editor
{
    /// <summary>A server's client as the studio sees it.</summary>
    public sealed class ClientLink : IStudioLink
    {
        readonly VcgClient client;

        /// <summary>Asks through that client, which stays its owner's.</summary>
        public ClientLink(VcgClient client)
        {
            this.client = client;
        }

        /// <summary>See IStudioLink.</summary>
        public async Task DrawAsync(GenerateRequest request, Action<Drawn> arrived, CancellationToken cancel)
        {
            using (var job = client.Generate(request)) // left early, it cancels the job
            {
                while (true)
                {
                    var picture = await job.NextAsync(cancel).ConfigureAwait(false);
                    if (picture == null)
                        return;
                    if (picture.Kind != "normal")
                        arrived(new Drawn(
                            picture.Character, picture.Recipe, picture.Palette, picture.Kind == "preview", PictureFrames.Of(picture), picture.Credits));
                }
            }
        }
    }
}
