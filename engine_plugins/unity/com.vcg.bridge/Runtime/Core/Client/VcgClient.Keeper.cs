using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge
{
    // The client's wheels: the keeper's thread, and what it and the links hand to the session.
    public sealed partial class VcgClient : ILinkOwner
    {
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
