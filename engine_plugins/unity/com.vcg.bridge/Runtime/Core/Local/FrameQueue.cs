using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Local
{
    /// <summary>A network in an engine that must be asked on its main thread and answers some frames later.</summary>
    public interface IFrameNetwork : IDisposable
    {
        /// <summary>Start drawing some views. Called only while nothing is under way.</summary>
        /// <param name="codes">style codes [N, code length]</param>
        /// <param name="views">number of the view of each, N</param>
        void Schedule(float[] codes, int[] views);

        /// <summary>What was started is done and its logits can be taken without waiting.</summary>
        bool IsDone { get; }

        /// <summary>The logits [N, classes, height, width] of what was started.</summary>
        float[] Take();
    }

    /// <summary>
    /// Between a <see cref="LocalGenerator"/>, which asks from its own threads, and networks that belong to a main thread:
    /// requests wait here until <see cref="Pump"/>, which is called once a frame and never waits for a result.
    /// </summary>
    public sealed class FrameQueue : IDisposable
    {
        sealed class Request
        {
            public string Network;
            public float[] Codes;
            public int[] Views;
            public CancellationToken Cancel;

            // What waits for it must not go on on the main thread.
            public readonly TaskCompletionSource<float[]> Source =
                new TaskCompletionSource<float[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        sealed class Channel : IViewNetwork
        {
            public FrameQueue Queue;
            public string Network;

            public Task<float[]> LogitsAsync(float[] codes, int[] views, CancellationToken cancel)
            {
                return Queue.Ask(new Request { Network = Network, Codes = codes, Views = views, Cancel = cancel });
            }

            public void Dispose()
            {
            }
        }

        readonly Func<string, IFrameNetwork> open;
        readonly object turn = new object();
        readonly List<Request> waiting = new List<Request>();
        readonly Dictionary<string, Request> running = new Dictionary<string, Request>();
        readonly Dictionary<string, IFrameNetwork> networks = new Dictionary<string, IFrameNetwork>();
        bool closed;

        /// <param name="open">gives the network of an id; called on the thread of <see cref="Pump"/>, once for each</param>
        public FrameQueue(Func<string, IFrameNetwork> open)
        {
            this.open = open;
        }

        /// <summary>Networks that draw at the same time, at most. Each is another batch of work for the frame.</summary>
        public int MostRunning { get; set; } = 4;

        /// <summary>Requests that are not answered yet.</summary>
        public int Pending
        {
            get
            {
                lock (turn)
                    return waiting.Count + running.Count;
            }
        }

        /// <summary>A network of the bundle that is drawn through this queue.</summary>
        public IViewNetwork Of(BundleNetwork network)
        {
            return new Channel { Queue = this, Network = network.Id };
        }

        Task<float[]> Ask(Request request)
        {
            lock (turn)
            {
                if (closed)
                    request.Source.TrySetCanceled();
                else
                    waiting.Add(request);
            }
            return request.Source.Task;
        }

        /// <summary>Give out what is done and start what waits. On the main thread only.</summary>
        public void Pump()
        {
            foreach (string network in new List<string>(running.Keys))
                if (networks[network].IsDone)
                    Finish(network);
            Request next;
            while (running.Count < MostRunning && (next = Next()) != null)
                Start(next);
        }

        void Finish(string network)
        {
            Request request = running[network];
            running.Remove(network);
            try
            {
                request.Source.TrySetResult(networks[network].Take());
            }
            catch (Exception error)
            {
                request.Source.TrySetException(error);
            }
        }

        /// <summary>The oldest request of a network that does nothing; those that nobody waits for are dropped.</summary>
        Request Next()
        {
            lock (turn)
            {
                foreach (Request request in waiting.FindAll(x => x.Cancel.IsCancellationRequested))
                {
                    waiting.Remove(request);
                    request.Source.TrySetCanceled();
                }
                Request next = waiting.Find(x => !running.ContainsKey(x.Network));
                if (next != null)
                    waiting.Remove(next);
                return next;
            }
        }

        void Start(Request request)
        {
            try
            {
                IFrameNetwork network;
                if (!networks.TryGetValue(request.Network, out network))
                    networks.Add(request.Network, network = open(request.Network));
                network.Schedule(request.Codes, request.Views);
                running.Add(request.Network, request);
            }
            catch (Exception error)
            {
                request.Source.TrySetException(error);
            }
        }

        /// <summary>Cancels what waits and frees the networks. On the main thread only.</summary>
        public void Dispose()
        {
            lock (turn)
            {
                closed = true;
                waiting.AddRange(running.Values);
                running.Clear();
                foreach (Request request in waiting)
                    request.Source.TrySetCanceled();
                waiting.Clear();
            }
            foreach (IFrameNetwork network in networks.Values)
                network.Dispose();
            networks.Clear();
        }
    }
}
