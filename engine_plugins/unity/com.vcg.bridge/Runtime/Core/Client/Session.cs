using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>A request that has one answer: describe, ping.</summary>
    internal sealed class Question
    {
        internal Question(string type, Dictionary<string, object> request)
        {
            Type = type;
            Request = request;
        }

        internal string Type { get; }

        internal Dictionary<string, object> Request { get; }

        internal Reply Answer { get; set; }

        internal VcgException Error { get; set; }
    }

    /// <summary>
    /// Protocol 1 from the client's side over as many connections as it takes, without sockets, threads or clocks: messages
    /// and times (seconds) in, messages out. The twin of vcg_bridge/client/session.py.
    /// </summary>
    /// <remarks>
    /// Open a link when <see cref="OpenAt"/> is due and say `Opened`; hand in what arrives (`Received`), a broken link (`Lost`,
    /// `Broken`) and the time (`Tick`, at the latest at `Wakeup`); send what is in <see cref="Outgoing"/>; tell those who wait
    /// for what is in <see cref="Changed"/> and <see cref="Answered"/>.
    /// </remarks>
    internal sealed class Session
    {
        private const double FirstWait = 0.1, LongestWait = 5.0;

        /// <summary>Up to so much longer than it was asked to a client stays away: not all come back in the same moment.</summary>
        private const double Spread = 0.25;

        private const string Heartbeat = "heartbeat";

        private readonly VcgClientOptions options;
        private readonly string name = Guid.NewGuid().ToString("N");
        private readonly Dictionary<string, JobState> jobs = new Dictionary<string, JobState>(StringComparer.Ordinal);
        private readonly Dictionary<string, Question> questions = new Dictionary<string, Question>(StringComparer.Ordinal);
        private readonly Random chance;
        private int attempts;
        private double giveUpAt;
        private bool patient;  // a refused connection is tried again
        private bool moved;  // something got on since the connection was lost last: the next loss is a new one
        private string reason = "";
        private double sentAt;
        private double? pingedAt;  // a heartbeat that nothing came after

        internal Session(VcgClientOptions options)
        {
            this.options = options;
            chance = new Random(name.GetHashCode());
        }

        internal ClientState State { get; private set; } = ClientState.Idle;

        /// <summary>Frames of requests, each a message.</summary>
        internal List<byte[]> Outgoing { get; } = new List<byte[]>();

        /// <summary>What the server said of itself, last.</summary>
        internal Welcome Welcome { get; private set; }

        /// <summary>Why it failed.</summary>
        internal VcgException Error { get; private set; }

        /// <summary>Waiting: when to open the next link.</summary>
        internal double OpenAt { get; private set; }

        /// <summary>Jobs to which something happened, since it was last cleared.</summary>
        internal HashSet<JobState> Changed { get; } = new HashSet<JobState>();

        /// <summary>Questions that have an answer or an error, since it was last cleared.</summary>
        internal List<Question> Answered { get; } = new List<Question>();

        /// <summary>Why there is no connection just now, "" where there is one.</summary>
        internal string Trouble
        {
            get { return State == ClientState.Ready ? "" : reason; }
        }

        private bool HasLink
        {
            get { return State == ClientState.Greeting || State == ClientState.Ready; }
        }

        // the connection

        /// <summary>Connects. Patient: a refused connection is tried again until the time is up.</summary>
        internal void Start(double now, double timeout, bool patient)
        {
            State = ClientState.Waiting;
            Error = null;
            this.patient = patient;
            attempts = 0;
            moved = true;
            OpenAt = now;
            giveUpAt = now + timeout;
            reason = "nothing answered";
        }

        /// <summary>A new link is there (it need not be connected yet): say hello.</summary>
        internal void Opened(double now)
        {
            State = ClientState.Greeting;
            Outgoing.Clear();
            pingedAt = null;
            reason = "something may listen there, but it does not answer as a VCG Bridge server";
            var codecs = new object[options.Codecs.Count];
            for (int i = 0; i < codecs.Length; i++)
                codecs[i] = options.Codecs[i];
            var hello = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                { "versions", new object[] { (long)Vocabulary.ProtocolMajor } },
                { "session", name },
                { "codecs", codecs },
            };
            WireMap.Put(hello, "minor", Vocabulary.ProtocolMinor, 0);
            WireMap.Put(hello, "client", options.Name, "");
            WireMap.Put(hello, "token", options.Token, "");
            Send("hello", hello, now);
        }

        /// <summary>The link broke in a way that trying again does not mend.</summary>
        internal void Broken(VcgException error)
        {
            if (HasLink)
                Fail(error);
        }

        /// <summary>The link broke. At once: the server is there, a new hello is enough.</summary>
        internal void Lost(string why, double now, bool atOnce = false, VcgException busy = null)
        {
            if (!HasLink)
                return;
            if (State == ClientState.Ready)
            {
                patient = true;
                // A request that breaks every connection it is sent over must not be repeated for ever.
                if (moved || (jobs.Count == 0 && questions.Count == 0))
                {
                    attempts = 0;
                    giveUpAt = now + options.Retry.TotalSeconds;
                }
                moved = false;
            }
            State = ClientState.Waiting;
            reason = why;
            Outgoing.Clear();
            foreach (JobState job in new List<JobState>(jobs.Values))
            {
                if (job.Cancelling)
                    End(job, VcgException.Cancelled());  // the next hello drops it
            }
            double wait = Math.Min(FirstWait * Math.Pow(2, attempts), LongestWait);
            if (busy != null)
                wait = Math.Max(wait, Away(busy));
            if (!patient || (busy != null && now + wait > giveUpAt))
            {
                Fail(busy ?? NoServer());
                return;
            }
            OpenAt = atOnce && attempts == 0 ? now : now + wait;
            attempts++;
        }

        /// <summary>Says goodbye; everything unfinished ends.</summary>
        internal void Stop(double now)
        {
            if (State == ClientState.Ready)
                Send("bye", new Dictionary<string, object>(), now);
            Fail(new VcgException(Vocabulary.ErrorCode.Disconnected, "the client was closed"));
            State = ClientState.Idle;
        }

        /// <summary>Time has passed. Hand in what has arrived first.</summary>
        internal void Tick(double now)
        {
            if ((State == ClientState.Waiting || State == ClientState.Greeting) && now >= giveUpAt)
                Fail(NoServer());
            if (State != ClientState.Ready)
                return;
            if (pingedAt != null && now - pingedAt.Value >= options.Dead.TotalSeconds)
            {
                Lost("the server gave no sign of life", now);
                return;
            }
            if (now - sentAt >= options.Ping.TotalSeconds)
            {
                Send("ping", new Dictionary<string, object> { { "id", Heartbeat } }, now);
                if (pingedAt == null)
                    pingedAt = now;
            }
            foreach (JobState job in jobs.Values)
            {
                if (job.RetryAt != null && now >= job.RetryAt.Value)
                    Send("generate", job.RequestNow(), now);
            }
        }

        /// <summary>When `Tick` is due, or a new link is.</summary>
        internal double Wakeup()
        {
            if (State == ClientState.Waiting)
                return Math.Min(OpenAt, giveUpAt);
            if (State == ClientState.Greeting)
                return giveUpAt;
            if (State != ClientState.Ready)
                return double.PositiveInfinity;
            double at = sentAt + options.Ping.TotalSeconds;
            if (pingedAt != null)
                at = Math.Min(at, pingedAt.Value + options.Dead.TotalSeconds);
            foreach (JobState job in jobs.Values)
            {
                if (job.RetryAt != null)
                    at = Math.Min(at, job.RetryAt.Value);
            }
            return at;
        }

        // requests

        /// <summary>Sends a request that has one answer.</summary>
        /// <exception cref="VcgException">what the server would refuse by form alone</exception>
        internal Question Ask(string type, Dictionary<string, object> request, double now)
        {
            Messages.CheckRequest(type, request);
            var question = new Question(type, request);
            questions[(string)request["id"]] = question;
            SendOrConnect(type, request, now);
            return question;
        }

        /// <summary>Its answer is not wanted any more.</summary>
        internal void Forget(Question question)
        {
            questions.Remove((string)question.Request["id"]);
        }

        /// <summary>Starts a job.</summary>
        /// <exception cref="VcgException">what the server would refuse by form alone</exception>
        internal JobState Generate(Dictionary<string, object> request, double now)
        {
            Messages.CheckRequest("generate", request);
            var id = (string)request["id"];
            if (jobs.ContainsKey(id))
                throw VcgException.BadRequest("a job with the id '" + id + "' is running already");
            var job = new JobState(id, request, options.WindowBytes);
            Dictionary<string, object> first = job.RequestNow();
            byte[] frame = Messages.Write("generate", first);  // shows what is too large before the job is known
            jobs.Add(id, job);
            if (State == ClientState.Ready)
                Send(frame, now);
            else
                ConnectForRequest(now);
            return job;
        }

        /// <summary>A picture of the job was taken: grants its bytes again when it is worth a message.</summary>
        internal void Taken(JobState job, double now)
        {
            if (State != ClientState.Ready || job.RetryAt != null)
                return;
            for (long left = job.Grant(); left > 0; left -= Vocabulary.MaxCredit)
            {
                long bytes = Math.Min(left, Vocabulary.MaxCredit);
                Send("credit", new Dictionary<string, object> { { "id", job.Id }, { "bytes", bytes } }, now);
            }
        }

        /// <summary>Stops a job. It ends with "cancelled" when the server has said so, at once where there is no connection.
        /// </summary>
        internal void Cancel(JobState job, double now)
        {
            if (job.Finished || job.Cancelling)
                return;
            job.Cancelling = true;
            job.Drop();
            if (State == ClientState.Ready)
                Send("cancel", new Dictionary<string, object> { { "id", job.Id } }, now);
            else
                End(job, VcgException.Cancelled());
        }

        // what arrives

        /// <summary>Something came that is no message.</summary>
        internal void ReceivedNonsense(VcgException error)
        {
            if (HasLink)
                Fail(State == ClientState.Ready ? error : NoServer());
        }

        /// <summary>A message came.</summary>
        internal void Received(Reply reply, double now)
        {
            if (!HasLink)
                return;
            pingedAt = null;
            bool error = reply.Type == "error";
            if (error && reply.Id.Length == 0)
                Refused(reply.ToException(), now);
            else if (reply.Type == "welcome")
                Welcomed(new Welcome(reply.Fields), now);
            else if (reply.Type == "description" || reply.Type == "pong")
                Answer(reply);
            else if (error && (reply.Id == Heartbeat || IsAgain(reply.Fields.Text("code"))))
                Lost(reply.Fields.Text("message"), now, reply.Fields.Text("code") == Vocabulary.ErrorCode.HelloRequired);
            else if (error && questions.ContainsKey(reply.Id))
                Answer(reply);
            else if (reply.Type != "bye")  // after bye the jobs that run come to their end, then the link breaks
            {
                JobState job;
                if (jobs.TryGetValue(reply.Id, out job))
                    Advance(job, reply, now);
            }
        }

        private static bool IsAgain(string code)
        {
            // Errors that end a connection, not a request.
            return code == Vocabulary.ErrorCode.HelloRequired || code == Vocabulary.ErrorCode.ShuttingDown;
        }

        private void Answer(Reply reply)
        {
            moved = true;
            Question question;
            if (!questions.TryGetValue(reply.Id, out question))
                return;
            questions.Remove(reply.Id);
            if (reply.Type == "error")
                question.Error = reply.ToException();
            else
                question.Answer = reply;
            Answered.Add(question);
        }

        private void Advance(JobState job, Reply reply, double now)
        {
            Changed.Add(job);
            moved |= reply.Type != "accepted";
            try
            {
                if (reply.Type == "accepted")
                    job.Accepted = new Accepted(reply.Fields);
                else if (reply.Type == "chunk")
                {
                    if (!job.Cancelling)
                        job.Add(reply);
                }
                else if (reply.Type == "done")
                {
                    if (job.Cancelling)
                        return;  // it crossed with our cancel, whose answer comes
                    job.Finish(new Done(reply.Fields));
                    jobs.Remove(job.Id);
                }
                else if (reply.Type == "cancelled")
                    End(job, VcgException.Cancelled());
                else if (!job.Cancelling)
                    JobError(job, reply.ToException(), now);
            }
            catch (VcgException error)
            {
                End(job, error);
                Send("cancel", new Dictionary<string, object> { { "id", job.Id } }, now);
            }
        }

        private void JobError(JobState job, VcgException error, double now)
        {
            bool busy = error.Code == Vocabulary.ErrorCode.Busy;
            if (!busy && error.Code != Vocabulary.ErrorCode.Stalled)
            {
                End(job, error);
                return;
            }
            if (job.BusySince == null)
                job.BusySince = now;
            double wait = FirstWait;
            if (busy)
            {
                wait = Away(error);
                if (now + wait > job.BusySince.Value + options.Retry.TotalSeconds)
                {
                    End(job, error);
                    return;
                }
            }
            job.RetryAt = now + wait;
        }

        /// <summary>How long to stay away from a busy server: never less than it says.</summary>
        private double Away(VcgException busy)
        {
            return Math.Max(busy.RetryAfterMs / 1000.0, FirstWait) * (1 + Spread * chance.NextDouble());
        }

        private void Welcomed(Welcome welcome, double now)
        {
            if (welcome.Version != Vocabulary.ProtocolMajor)
            {
                Fail(new VcgException(
                    Vocabulary.ErrorCode.Version,
                    "the server answers in protocol " + welcome.Version + ", this client speaks " + Vocabulary.ProtocolMajor,
                    "update the older of the two"));
                return;
            }
            Welcome = welcome;
            State = ClientState.Ready;
            foreach (Question question in questions.Values)
                Send(question.Type, question.Request, now);
            foreach (JobState job in jobs.Values)
                Send("generate", job.RequestNow(), now);
        }

        /// <summary>An error that concerns the connection.</summary>
        private void Refused(VcgException error, double now)
        {
            if (error.Code == Vocabulary.ErrorCode.Busy)
                Lost(error.Message, now, false, error);
            else if (IsAgain(error.Code))
                Lost(error.Message, now, error.Code == Vocabulary.ErrorCode.HelloRequired);
            else
                Fail(error);
        }

        // ends

        private VcgException NoServer()
        {
            if (Welcome == null)
                return new VcgException(
                    Vocabulary.ErrorCode.NoServer, "no VCG Bridge server at " + options.Address + ": " + reason,
                    "start one with `vcg serve`, or check the address");
            return new VcgException(
                Vocabulary.ErrorCode.Disconnected,
                "the connection to " + options.Address + " was lost and could not be made again: " + reason,
                "see whether the server still runs");
        }

        private void Fail(VcgException error)
        {
            State = ClientState.Failed;
            Error = error;
            foreach (Question question in questions.Values)
            {
                question.Error = error;
                Answered.Add(question);
            }
            questions.Clear();
            foreach (JobState job in new List<JobState>(jobs.Values))
                End(job, error);
        }

        private void End(JobState job, VcgException error)
        {
            job.Error = error;
            jobs.Remove(job.Id);
            Changed.Add(job);
        }

        private void SendOrConnect(string type, Dictionary<string, object> request, double now)
        {
            if (State == ClientState.Ready)
                Send(type, request, now);
            else
                ConnectForRequest(now);
        }

        private void ConnectForRequest(double now)
        {
            if (State == ClientState.Idle || State == ClientState.Failed)
                Start(now, (Welcome != null ? options.Retry : options.Timeout).TotalSeconds, true);
        }

        private void Send(string type, Dictionary<string, object> fields, double now)
        {
            Send(Messages.Write(type, fields), now);
        }

        private void Send(byte[] frame, double now)
        {
            Outgoing.Add(frame);
            sentAt = now;
        }
    }
}
