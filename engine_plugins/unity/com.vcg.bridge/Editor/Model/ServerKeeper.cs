using System;
using System.Collections.Generic;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Editor
{
    /// <summary>How the editor reaches a server.</summary>
    public sealed class KeeperSettings
    {
        /// <summary>"tcp://HOST:PORT" or "tls://HOST:PORT".</summary>
        public string Address = Vocabulary.DefaultAddress;

        /// <summary>Where the server asks for one.</summary>
        public string Token = "";

        /// <summary>Of TLS: see VcgClientOptions.CertificatePin.</summary>
        public string CertificatePin = "";

        /// <summary>Path of the command `vcg`; null: there is none on this machine.</summary>
        public string Program;

        /// <summary>Start a server where none answers at an address of this machine.</summary>
        public bool Start = true;
    }

    /// <summary>How things are with the server.</summary>
    public enum KeeperState
    {
        /// <summary>Nobody wants one.</summary>
        Off,

        /// <summary>The client connects.</summary>
        Connecting,

        /// <summary>A server of our own is being started.</summary>
        Starting,

        /// <summary>There is one, and its model is known.</summary>
        Ready,

        /// <summary>The connection is gone; it is being made again.</summary>
        Lost,

        /// <summary>None answers, and none can be started.</summary>
        Missing,

        /// <summary>There is one, but it does not want us.</summary>
        Refused,
    }

    /// <summary>Keeps the window connected: to the server that runs, else to one that it starts itself, and again to either
    /// when it was lost. Says in one line how things are. Lives on the thread that drains the queue; nothing in it blocks.</summary>
    public sealed class ServerKeeper : IDisposable
    {
        const int Restarts = 3; // of our own in a minute: what falls over again and again is not started for ever
        static readonly TimeSpan RestartsIn = TimeSpan.FromMinutes(1);
        static readonly TimeSpan Again = TimeSpan.FromSeconds(5); // after this it looks whether a server has appeared
        static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5); // so long a foreign server may take to come back
        static readonly Regex Loopback = new Regex("^tcp://(127(\\.[0-9]{1,3}){3}|localhost|\\[::1\\]):", RegexOptions.CultureInvariant);

        readonly MainQueue queue;
        readonly Func<KeeperSettings> read;
        readonly List<DateTime> starts = new List<DateTime>();
        KeeperSettings settings;
        CancellationTokenSource run = new CancellationTokenSource();
        VcgClient client;
        ServerProcess process;
        bool describing;
        DateTime since;
        VcgClient known; // what was told of last: the client, and its model
        string model;

        /// <summary>A keeper that has not begun.</summary>
        /// <param name="queue">the thread that it lives on</param>
        /// <param name="settings">read at each try</param>
        public ServerKeeper(MainQueue queue, Func<KeeperSettings> settings)
        {
            this.queue = queue;
            read = settings;
            Words = "Not connected";
        }

        /// <summary>How things are.</summary>
        public KeeperState State { get; private set; }

        /// <summary>The same in a line for people.</summary>
        public string Words { get; private set; }

        /// <summary>The server that runs was started here.</summary>
        public bool IsOwn
        {
            get { return process != null && process.IsRunning; }
        }

        /// <summary>Process id of a server that was started here; 0 without one.</summary>
        public int OwnId
        {
            get { return IsOwn ? process.Id : 0; }
        }

        /// <summary>Where the client is connected, or tries to.</summary>
        public string Address { get; private set; }

        /// <summary>State or words have changed.</summary>
        public event Action Changed;

        /// <summary>There is a server with a model: the first, or another one.</summary>
        public event Action<IStudioLink, Description> Described;

        /// <summary>Connect, or start a server and connect. Also: the same once more, with the settings as they are now.</summary>
        public void Begin()
        {
            End();
            starts.Clear();
            settings = read();
            Go(token => Connect(settings.Address, MayStart, token));
        }

        /// <summary>Look how things are. Costs next to nothing; to be called a few times a second.</summary>
        public void Poll()
        {
            var waited = DateTime.UtcNow - since;
            switch (State)
            {
                case KeeperState.Ready:
                    if (process != null && !process.IsRunning)
                        Restart("The server has ended. Starting another one.");
                    else if (client.State != ClientState.Ready)
                        Be(KeeperState.Lost, "Connection lost. Trying again.");
                    break;
                case KeeperState.Lost:
                    if (client.State == ClientState.Ready)
                    {
                        if (!describing) // a slow answer must not be asked for anew with each look
                            Go(token => Describe(client, token)); // it may be another server
                    }
                    else if (process != null && !process.IsRunning)
                        Restart("The server has ended. Starting another one.");
                    else if (process == null && waited > Patience && MayStart)
                        Restart("The server is gone. Starting one.");
                    else if (client.State == ClientState.Failed)
                        Go(token => Connect(Address, process == null && MayStart, token));
                    break;
                case KeeperState.Missing:
                case KeeperState.Refused:
                    if (waited > Again)
                        Go(token => Connect(settings.Address, State == KeeperState.Missing && MayStart, token, true));
                    break;
            }
        }

        /// <summary>Say goodbye and let the server go that was started here; others are left alone. Sockets are closed when
        /// this comes back.</summary>
        public void Dispose()
        {
            End();
            Be(KeeperState.Off, "Not connected");
        }

        void End()
        {
            run.Cancel();
            run = new CancellationTokenSource();
            if (client != null)
                client.Dispose();
            client = null;
            if (process != null)
                process.Dispose();
            process = null;
        }

        /// <summary>Start a piece of work in place of the one before. Its awaits come back to the queue.</summary>
        void Go(Func<CancellationToken, Task> work)
        {
            run.Cancel();
            run = new CancellationTokenSource();
            var token = run.Token;
            since = DateTime.UtcNow;
            queue.Run(async () =>
            {
                try
                {
                    await work(token);
                }
                catch (OperationCanceledException)
                {
                    // something else was begun
                }
                catch (VcgException error)
                {
                    if (!token.IsCancellationRequested)
                        Be(KeeperState.Refused, error.Text);
                }
            });
        }

        /// <summary>Connect; where nothing answers and a server may be started, start one.</summary>
        /// <param name="address">where</param>
        /// <param name="mayStart">a server of our own there</param>
        /// <param name="token">ends it</param>
        /// <param name="quietly">leave the line as it is unless there is news</param>
        async Task Connect(string address, bool mayStart, CancellationToken token, bool quietly = false)
        {
            if (!quietly)
                Be(KeeperState.Connecting, "Connecting to " + address);
            Address = address;
            var fresh = new VcgClient(new VcgClientOptions
            {
                Address = address, Token = settings.Token, CertificatePin = settings.CertificatePin, Retry = TimeSpan.FromDays(1),
            });
            if (client != null)
                client.Dispose();
            client = fresh;
            try
            {
                await fresh.ConnectAsync(TimeSpan.FromSeconds(3), false, token);
            }
            catch (VcgException error)
            {
                token.ThrowIfCancellationRequested();
                var absent = error.Code == Vocabulary.ErrorCode.NoServer || error.Code == Vocabulary.ErrorCode.Timeout
                    || error.Code == Vocabulary.ErrorCode.Disconnected;
                if (!absent)
                    throw;
                if (mayStart && MayRestart())
                    await StartOwn(address, token);
                else
                    Be(KeeperState.Missing, MissingWords(address));
                return;
            }
            token.ThrowIfCancellationRequested();
            await Describe(fresh, token);
        }

        async Task StartOwn(string bind, CancellationToken token)
        {
            Be(KeeperState.Starting, "Starting a server");
            ServerProcess started;
            try
            {
                started = await ServerProcess.StartAsync(settings.Program, bind, new string[0], token);
            }
            catch (VcgException error)
            {
                token.ThrowIfCancellationRequested();
                // the address is taken by something that does not answer us: then on a port of our own
                if (error.Message.IndexOf("taken", StringComparison.Ordinal) >= 0 && !bind.EndsWith(":0", StringComparison.Ordinal))
                    await StartOwn("tcp://127.0.0.1:0", token);
                else
                    Be(KeeperState.Missing, error.Text);
                return;
            }
            if (token.IsCancellationRequested)
            {
                started.Dispose();
                token.ThrowIfCancellationRequested();
            }
            process = started;
            await Connect(started.Address, false, token);
        }

        async Task Describe(VcgClient of, CancellationToken token)
        {
            Description description;
            describing = true;
            try
            {
                description = await of.DescribeAsync("", token);
            }
            finally
            {
                describing = false;
            }
            token.ThrowIfCancellationRequested();
            var device = of.Welcome == null || of.Welcome.Device.Length == 0 ? "" : ", on " + of.Welcome.Device;
            Be(KeeperState.Ready, description.Title + " " + description.Version + device);
            if (known == of && model == description.Sha256)
                return; // the same connection, made again: its jobs go on by themselves
            known = of;
            model = description.Sha256;
            if (Described != null)
                Described(new ClientLink(of), description);
        }

        void Restart(string words)
        {
            if (process != null)
                process.Dispose();
            process = null;
            if (!MayRestart())
            {
                Be(KeeperState.Missing, MissingWords(settings.Address));
                return;
            }
            Be(KeeperState.Starting, words);
            Go(token => StartOwn(settings.Address, token));
        }

        /// <summary>Whether a server of our own may be started at the address.</summary>
        bool MayStart
        {
            get { return settings.Start && settings.Program != null && Loopback.IsMatch(settings.Address); }
        }

        bool MayRestart()
        {
            var now = DateTime.UtcNow;
            starts.RemoveAll(at => now - at > RestartsIn);
            if (starts.Count >= Restarts)
                return false;
            starts.Add(now);
            return true;
        }

        string MissingWords(string address)
        {
            if (!Loopback.IsMatch(settings.Address))
                return "No server answers at " + address + ". Start it there, or correct the address.";
            if (settings.Program == null)
                return "No server runs, and there is no `vcg` command to start one. Install VCG Bridge, or set its path.";
            if (!settings.Start || starts.Count == 0)
                return "No server answers at " + address + ". Start one with `vcg serve`.";
            return "The server has ended " + starts.Count + " times within a minute. `vcg doctor` says why.";
        }

        void Be(KeeperState state, string words)
        {
            if (State == state && Words == words)
                return;
            if (State != state)
                since = DateTime.UtcNow;
            State = state;
            Words = words;
            if (Changed != null)
                Changed();
        }
    }
}
