using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge
{
    /// <summary>
    /// A connection to a server. Methods may be called from any thread and never block; network and decoding run in two
    /// threads of the client's own, which are gone when <see cref="Dispose"/> comes back. A lost connection is made again, and
    /// jobs go on where they were.
    /// </summary>
    /// <example><code>
    /// using (var client = new VcgClient(new VcgClientOptions()))
    /// {
    ///     var request = new GenerateRequest { Design = new Design { Seed = 7, Archetype = "guard" } };
    ///     GeneratedCharacter guard = await client.GenerateCharacterAsync(request);
    /// }
    /// </code></example>
    public sealed partial class VcgClient : IDisposable
    {
        private const int GoodbyeMs = 200, JoinMs = 5000;

        private readonly VcgClientOptions options;
        private readonly Endpoint endpoint;
        private readonly Session session;
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private readonly Dictionary<JobState, VcgJob> jobs = new Dictionary<JobState, VcgJob>();
        private readonly Dictionary<Question, TaskCompletionSource<Reply>> askers =
            new Dictionary<Question, TaskCompletionSource<Reply>>();
        private readonly List<TaskCompletionSource<Welcome>> openers = new List<TaskCompletionSource<Welcome>>();
        private readonly List<Link> links = new List<Link>();  // that have not ended, the current one among them
        private Link link;
        private Thread keeper;
        private double restsUntil;
        private bool disposed;

        /// <summary>A client that is not connected yet: the first request connects, as does `ConnectAsync`.</summary>
        /// <exception cref="VcgException">code "bad_request": an option is wrong; "config": a token or password would travel in
        /// clear</exception>
        public VcgClient(VcgClientOptions options)
        {
            this.options = options.Copy();
            endpoint = Endpoint.Of(this.options);
            if (options.WindowBytes < 1 || options.WindowBytes > Vocabulary.MaxCredit)
                throw VcgException.BadRequest(
                    "WindowBytes must be 1 to " + Vocabulary.MaxCredit + ", not " + options.WindowBytes);
            foreach (string codec in options.Codecs)
            {
                if (Array.IndexOf(BlobDecoder.Codecs, codec) < 0)
                    throw VcgException.BadRequest("the codec '" + codec + "' is not one of gzip, raw");
            }
            session = new Session(this.options);
        }

        /// <summary>Guards everything that is not constant, the jobs' states too.</summary>
        internal object Gate { get; } = new object();

        /// <summary>Where it stands with its server.</summary>
        public ClientState State
        {
            get
            {
                lock (Gate)
                    return session.State;
            }
        }

        /// <summary>Why there is no connection just now, in words; "" where there is one.</summary>
        public string Trouble
        {
            get
            {
                lock (Gate)
                    return session.Trouble;
            }
        }

        /// <summary>What the server said of itself, last; null before the first connection.</summary>
        public Welcome Welcome
        {
            get
            {
                lock (Gate)
                    return session.Welcome;
            }
        }

        /// <summary>No thread of its own runs.</summary>
        internal bool IsQuiet
        {
            get
            {
                lock (Gate)
                    return (keeper == null || !keeper.IsAlive) && links.TrueForAll(x => x.Ended);
            }
        }

        private double Now
        {
            get { return clock.Elapsed.TotalSeconds; }
        }

        /// <summary>Connects, or connects again after a failure; done when the client is welcome.</summary>
        /// <param name="timeout">5 seconds where it is null</param>
        /// <param name="wait">a refused connection is tried again until the time is over: for a server that is being started
        /// </param>
        /// <param name="cancellation">ends the waiting, not the connecting</param>
        /// <exception cref="VcgException">"no_server", "auth", "version" ...: why it cannot</exception>
        public async Task<Welcome> ConnectAsync(
            TimeSpan? timeout = null, bool wait = false, CancellationToken cancellation = default(CancellationToken))
        {
            TaskCompletionSource<Welcome> opener = Completion.Make<Welcome>();
            lock (Gate)
            {
                Begin();
                if (session.State != ClientState.Ready && session.State != ClientState.Greeting)
                    session.Start(Now, (timeout ?? TimeSpan.FromSeconds(5)).TotalSeconds, wait);
                openers.Add(opener);
                Settle();
            }
            using (cancellation.Register(() => opener.TrySetCanceled()))
                return await opener.Task.ConfigureAwait(false);
        }

        /// <summary>All that can be made with a model.</summary>
        /// <param name="model">name of a bundle; "": the server's default</param>
        /// <param name="cancellation">ends the waiting</param>
        /// <exception cref="VcgException">"bad_request": there is no such model; "timeout", "no_server" ...</exception>
        public async Task<Description> DescribeAsync(
            string model = "", CancellationToken cancellation = default(CancellationToken))
        {
            var request = new Dictionary<string, object>(StringComparer.Ordinal) { { "id", NewId() } };
            WireMap.Put(request, "model", model, "");
            Reply reply = await AskAsync("describe", request, cancellation).ConfigureAwait(false);
            return new Description(reply.Fields);
        }

        /// <summary>How long a round trip takes.</summary>
        /// <param name="cancellation">ends the waiting</param>
        /// <exception cref="VcgException">"timeout", "no_server" ...</exception>
        public async Task<TimeSpan> PingAsync(CancellationToken cancellation = default(CancellationToken))
        {
            Stopwatch watch = Stopwatch.StartNew();
            var request = new Dictionary<string, object>(StringComparer.Ordinal) { { "id", NewId() } };
            await AskAsync("ping", request, cancellation).ConfigureAwait(false);
            return watch.Elapsed;
        }

        /// <summary>Starts a job; connects first where there is no connection.</summary>
        /// <exception cref="VcgException">"bad_request" or "recipe": what is wrong by form alone</exception>
        public VcgJob Generate(GenerateRequest request)
        {
            Dictionary<string, object> map = request.ToMap();
            if (string.IsNullOrEmpty(request.Id))
                map["id"] = NewId();
            return Generate(request, map);
        }

        /// <summary>The same with the fields of the wire's `generate`, for programs that have them as a map.</summary>
        internal VcgJob Generate(GenerateRequest request, Dictionary<string, object> map)
        {
            lock (Gate)
            {
                Begin();
                var job = new VcgJob(this, request) { State = session.Generate(map, Now) };
                jobs.Add(job.State, job);
                Settle();
                return job;
            }
        }

        /// <summary>One character, complete.</summary>
        /// <param name="request">what to make; the first character of it is the answer</param>
        /// <param name="cancellation">cancels the job</param>
        /// <exception cref="VcgException">what went wrong</exception>
        public async Task<GeneratedCharacter> GenerateCharacterAsync(
            GenerateRequest request, CancellationToken cancellation = default(CancellationToken))
        {
            using (VcgJob job = Generate(request))
            {
                GeneratedCharacter character = await job.NextCharacterAsync(cancellation).ConfigureAwait(false);
                // The end is taken in too, so that the job is over and not cancelled. A server that never sends it: dispose.
                while (request.Count == 1 && await job.NextAsync(cancellation).ConfigureAwait(false) != null)
                {
                }
                return character;
            }
        }

        /// <summary>
        /// Says goodbye, ends everything unfinished and frees everything: threads and sockets are gone when it comes back,
        /// which takes a few milliseconds (a server that takes nothing more: 200).
        /// </summary>
        public void Dispose()
        {
            Thread waited;
            lock (Gate)
            {
                if (!disposed)
                {
                    disposed = true;
                    session.Stop(Now);
                    if (link != null)
                        link.Hurry(GoodbyeMs);
                    Deliver();
                    Monitor.PulseAll(Gate);
                }
                waited = keeper;
            }
            if (waited == null || waited == Thread.CurrentThread || waited.Join(2 * GoodbyeMs))
                return;
            lock (Gate)
            {
                // It is in the middle of sending to somebody who takes nothing.
                foreach (Link open in links)
                    open.Close();
            }
            waited.Join(JoinMs);
        }

        // the wheels

        private static string NewId()
        {
            return Guid.NewGuid().ToString("N");
        }

        private async Task<Reply> AskAsync(string type, Dictionary<string, object> request, CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            TaskCompletionSource<Reply> asker = Completion.Make<Reply>();
            Question question;
            lock (Gate)
            {
                Begin();
                question = session.Ask(type, request, Now);
                askers.Add(question, asker);
                Settle();
            }
            using (var late = new CancellationTokenSource())
            using (cancellation.Register(() => Forget(question, null)))
            using (late.Token.Register(() => Forget(question, Late(type))))
            {
                late.CancelAfter(options.Timeout);
                return await asker.Task.ConfigureAwait(false);
            }
        }

        private VcgException Late(string type)
        {
            string limit = options.Timeout.TotalSeconds.ToString("G4", System.Globalization.CultureInfo.InvariantCulture);
            return new VcgException(
                Vocabulary.ErrorCode.Timeout, "no answer to " + type + " from " + options.Address + " within " + limit + " s", Trouble);
        }

        private void Forget(Question question, VcgException error)
        {
            TaskCompletionSource<Reply> asker;
            lock (Gate)
            {
                session.Forget(question);
                if (!askers.TryGetValue(question, out asker))
                    return;
                askers.Remove(question);
            }
            if (error != null)
                asker.TrySetException(error);
            else
                asker.TrySetCanceled();
        }
    }
}
