using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
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
    public sealed class VcgClient : IDisposable, ILinkOwner
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
        /// <exception cref="VcgException">code "bad_request": an option is wrong</exception>
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

        /// <summary>Under the lock: the keeper runs from now on.</summary>
        private void Begin()
        {
            if (disposed)
                throw new VcgException(Vocabulary.ErrorCode.Disconnected, "the client was closed", "make a new one");
            if (keeper != null)
                return;
            keeper = new Thread(Keep) { Name = "vcg keeper", IsBackground = true };
            keeper.Start();
        }

        /// <summary>Under the lock: tells those who wait, and lets the keeper send.</summary>
        private void Settle()
        {
            Deliver();
            Monitor.PulseAll(Gate);
        }

        /// <summary>Under the lock: a job's pictures to those who wait for them.</summary>
        internal void Serve(VcgJob job)
        {
            if (job.Serve())
                session.Taken(job.State, Now);
            if (session.Outgoing.Count > 0)
                Monitor.PulseAll(Gate);
        }

        /// <summary>Under the lock.</summary>
        internal void Cancel(VcgJob job)
        {
            session.Cancel(job.State, Now);
            job.Serve();
            Settle();
        }

        private void Deliver()
        {
            foreach (Question question in session.Answered)
            {
                TaskCompletionSource<Reply> asker;
                if (!askers.TryGetValue(question, out asker))
                    continue;
                askers.Remove(question);
                if (question.Error != null)
                    asker.TrySetException(question.Error.Again());
                else
                    asker.TrySetResult(question.Answer);
            }
            session.Answered.Clear();
            foreach (JobState state in session.Changed)
            {
                VcgJob job;
                if (!jobs.TryGetValue(state, out job))
                    continue;
                if (job.Serve())
                    session.Taken(state, Now);
                if (state.Finished)
                    jobs.Remove(state);
            }
            session.Changed.Clear();
            if (openers.Count == 0 || session.State == ClientState.Waiting || session.State == ClientState.Greeting)
                return;
            foreach (TaskCompletionSource<Welcome> opener in openers)
            {
                if (session.State == ClientState.Ready)
                    opener.TrySetResult(session.Welcome);
                else
                    opener.TrySetException(session.Error.Again());
            }
            openers.Clear();
        }

        /// <summary>The keeper's life: connects, sends, and lets time pass for the session.</summary>
        private void Keep()
        {
            var sending = new List<byte[]>();
            while (true)
            {
                Link by;
                lock (Gate)
                {
                    while (!Prepare(sending))
                    {
                        if (disposed)
                        {
                            DropLink();
                            break;
                        }
                        Rest();
                    }
                    by = link;
                }
                if (sending.Count == 0)
                    break;
                try
                {
                    by.Send(sending);
                }
                catch (IOException)
                {
                    OnBroken(by, "the server takes no more messages", null);
                }
                sending.Clear();
            }
            Link[] left;
            lock (Gate)
                left = links.ToArray();
            foreach (Link old in left)
                old.Join(JoinMs);
        }

        /// <summary>Under the lock: brings links in line with the session. True where there is something to send.</summary>
        private bool Prepare(List<byte[]> sending)
        {
            if (!disposed)
            {
                session.Tick(Now);
                if (link != null && session.State != ClientState.Greeting && session.State != ClientState.Ready)
                    DropLink();
                if (session.State == ClientState.Waiting && Now >= session.OpenAt)
                {
                    links.RemoveAll(old => old.Ended);
                    link = new Link(endpoint, options, this);
                    links.Add(link);
                    session.Opened(Now);
                    link.Start();
                }
                Deliver();
            }
            if (link == null || !link.Connected || session.Outgoing.Count == 0)
                return false;
            sending.AddRange(session.Outgoing);
            session.Outgoing.Clear();
            return true;
        }

        private void DropLink()
        {
            if (link != null)
                link.Close();
            link = null;
        }

        private void Rest()
        {
            restsUntil = session.Wakeup();
            double seconds = restsUntil - Now;
            if (double.IsPositiveInfinity(seconds))
                Monitor.Wait(Gate);
            else if (seconds > 0)
                Monitor.Wait(Gate, (int)Math.Min(Math.Ceiling(seconds * 1000), 3600000));
        }

        // what a link tells

        void ILinkOwner.OnConnected(Link from)
        {
            lock (Gate)
            {
                from.Connected = true;
                Monitor.PulseAll(Gate);
            }
        }

        void ILinkOwner.OnMessage(Link from, List<byte[]> frames)
        {
            Reply reply = null;
            VcgException error = null;
            try
            {
                // The work is done before the lock is taken: who asks for a state must not wait for it.
                reply = Messages.Read(frames);
                if (reply.Type == "chunk")
                    Decode(reply);
            }
            catch (VcgException nonsense)
            {
                error = nonsense;
            }
            lock (Gate)
            {
                if (from != link || disposed)
                    return;
                if (error != null)
                    session.ReceivedNonsense(error);
                else
                    session.Received(reply, Now);
                Deliver();
                // Most messages give the keeper nothing to do: not to wake it saves a switch of threads for each.
                if (session.State != ClientState.Ready || session.Outgoing.Count > 0 || session.Wakeup() < restsUntil)
                    Monitor.PulseAll(Gate);
            }
        }

        private void Decode(Reply chunk)
        {
            try
            {
                string codec = chunk.Fields.Text("codec");
                if (codec != "raw" && !Offers(codec))
                    throw VcgException.Integrity("a blob of the codec '" + codec + "', which was not offered");
                chunk.Data = BlobDecoder.Decode(
                    codec, chunk.Blob, chunk.Fields.Int("raw_length"), chunk.Fields.Bytes("sha256"));
            }
            catch (VcgException damage)
            {
                chunk.Damage = damage;
            }
        }

        private bool Offers(string codec)
        {
            foreach (string offered in options.Codecs)
            {
                if (offered == codec)
                    return true;
            }
            return false;
        }

        void ILinkOwner.OnBroken(Link from, string reason, VcgException fatal)
        {
            OnBroken(from, reason, fatal);
        }

        private void OnBroken(Link from, string reason, VcgException fatal)
        {
            lock (Gate)
            {
                if (from != link)
                    return;
                if (fatal != null)
                    session.Broken(fatal);
                else
                    session.Lost(reason, Now);
                if (!disposed)
                    Settle();
                from.Connected = false;
            }
        }
    }
}
