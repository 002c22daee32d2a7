using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge
{
    /// <summary>
    /// A running request: take its pictures, or whole characters, as they come. The server gets new credit as pictures are
    /// taken: it never runs far ahead. Dispose cancels a job that has not ended.
    /// </summary>
    public sealed class VcgJob : IDisposable
    {
        private readonly VcgClient client;
        private readonly List<TaskCompletionSource<Picture>> takers = new List<TaskCompletionSource<Picture>>();
        private readonly List<Picture> gathered = new List<Picture>();
        private TaskCompletionSource<bool> ended;

        internal VcgJob(VcgClient client, GenerateRequest request)
        {
            this.client = client;
            Request = request;
        }

        internal JobState State { get; set; }

        /// <summary>Names the request; asking again with it gives the same answer.</summary>
        public string Id
        {
            get { return State.Id; }
        }

        /// <summary>What was asked for.</summary>
        public GenerateRequest Request { get; }

        /// <summary>How much will come; null until the server has said so.</summary>
        public Accepted Accepted
        {
            get { return State.Accepted; }
        }

        /// <summary>Timings and licence, once the job is complete; null before.</summary>
        public Done Done
        {
            get { return State.Done; }
        }

        /// <summary>Why it ended; null while it runs and where it is complete.</summary>
        public VcgException Error
        {
            get { return State.Error; }
        }

        /// <summary>Nothing more will come. Pictures that were not taken may still be there.</summary>
        public bool IsFinished
        {
            get { return State.Finished; }
        }

        /// <summary>The next picture, null when there are no more.</summary>
        /// <param name="cancellation">ends the waiting, not the job</param>
        /// <exception cref="VcgException">what went wrong; code "cancelled" after a cancel</exception>
        public async Task<Picture> NextAsync(CancellationToken cancellation = default(CancellationToken))
        {
            cancellation.ThrowIfCancellationRequested();
            TaskCompletionSource<Picture> taker = Completion.Make<Picture>();
            lock (client.Gate)
            {
                takers.Add(taker);
                client.Serve(this);
            }
            using (cancellation.Register(() => Forget(taker)))
                return await taker.Task.ConfigureAwait(false);
        }

        /// <summary>The next character when all its pictures have come, null when there are no more.</summary>
        /// <param name="cancellation">ends the waiting, not the job</param>
        /// <exception cref="VcgException">what went wrong; code "cancelled" after a cancel</exception>
        public async Task<GeneratedCharacter> NextCharacterAsync(CancellationToken cancellation = default(CancellationToken))
        {
            while (true)
            {
                Picture picture = await NextAsync(cancellation).ConfigureAwait(false);
                if (picture == null)
                    return null;
                gathered.Add(picture);
                if (!picture.IsLast)
                    continue;
                var character = new GeneratedCharacter(gathered.ToArray());
                gathered.Clear();
                return character;
            }
        }

        /// <summary>Stops it; done when the server has, or the connection is gone.</summary>
        public Task CancelAsync()
        {
            lock (client.Gate)
            {
                if (ended == null)
                    ended = Completion.Make<bool>();
                client.Cancel(this);
                return ended.Task;
            }
        }

        /// <summary>Cancels it where it has not ended, without waiting.</summary>
        public void Dispose()
        {
            lock (client.Gate)
                client.Cancel(this);
        }

        private void Forget(TaskCompletionSource<Picture> taker)
        {
            lock (client.Gate)
                takers.Remove(taker);
            taker.TrySetCanceled();
        }

        /// <summary>Gives what is there to those who wait. True where a picture was taken. Under the client's lock.</summary>
        internal bool Serve()
        {
            bool taken = false;
            while (takers.Count > 0 && State.IsReady)
            {
                TaskCompletionSource<Picture> taker = takers[0];
                takers.RemoveAt(0);
                Picture picture = State.Take();
                taken |= picture != null;
                if (picture != null || State.Error == null)
                    taker.TrySetResult(picture);
                else
                    taker.TrySetException(State.Error.Again());
            }
            if (State.Finished && ended != null)
                ended.TrySetResult(true);
            return taken;
        }
    }

    /// <summary>Tasks whose continuations never run on our threads or under our locks.</summary>
    internal static class Completion
    {
        internal static TaskCompletionSource<T> Make<T>()
        {
            return new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
