using System;
using System.Collections.Generic;
using Map = System.Collections.Generic.Dictionary<string, object>;

namespace Vcg.Bridge.Tests
{
    /// <summary>The session without sockets and clocks: every time is said.</summary>
    internal sealed class SessionChecks
    {
        private readonly Session session;
        private double now = 100;

        private SessionChecks()
        {
            session = new Session(new VcgClientOptions { Address = "tcp://here:1", WindowBytes = 1000 });
        }

        /// <summary>session: all checks; the number of them.</summary>
        [Check("session")]
        private static string All(string[] arguments)
        {
            var checks = new Action<SessionChecks>[]
            {
                x => x.GreetsAndIsWelcome(), x => x.GivesUpAtOnce(), x => x.WaitsLongerEachTime(), x => x.ForgetsOldSilence(),
                x => x.FindsADeadServer(), x => x.SaysHelloAgain(), x => x.RetriesWithWhatIsMissing(), x => x.WaitsWhileBusy(),
                x => x.GivesUpOnBusy(), x => x.GrantsAQuarterAtATime(), x => x.CancelsWithoutConnection(),
                x => x.DropsWhatCrossedWithCancel(), x => x.RefusesWhatIsWrongByForm(), x => x.EndsEverythingOnStop(),
            };
            foreach (Action<SessionChecks> check in checks)
                check(new SessionChecks());
            return checks.Length + " checks";
        }

        private static void Is(object found, object wanted)
        {
            CheckFailed.Unless(Equals(found, wanted), "found " + found + " instead of " + wanted);
        }

        /// <summary>What the session has to send, and takes it away.</summary>
        private List<Map> Sent()
        {
            List<Map> sent = session.Outgoing.ConvertAll(MsgpackReader.ReadMap);
            session.Outgoing.Clear();
            return sent;
        }

        private Map One(string type)
        {
            List<Map> sent = Sent();
            Is(string.Join(",", sent.ConvertAll(x => (string)x["type"]).ToArray()), type);
            return sent[0];
        }

        private void Receive(string type, Map fields, byte[] blob = null)
        {
            fields["type"] = type;
            byte[] frame = MsgpackWriter.WriteMap(fields);
            Reply reply = Messages.Read(blob == null ? new[] { frame } : new[] { frame, blob });
            reply.Data = blob;
            session.Received(reply, now);
        }

        private void Ready()
        {
            session.Start(now, 5, false);
            session.Opened(now);
            One("hello");
            Receive("welcome", new Map { { "version", 1L } });
            Is(session.State, ClientState.Ready);
        }

        private JobState Job(string id)
        {
            JobState job = session.Generate(
                new Map { { "id", id }, { "design", new Map { { "seed", 7L } } }, { "count", 9L } }, now);
            return job;
        }

        private void Accept(string id)
        {
            Receive("accepted", new Map
            {
                { "id", id }, { "count", 9L }, { "chunks", 9L }, { "model", "m" }, { "model_sha256", "" },
            });
        }

        /// <summary>A chunk of 400 bytes of pixels.</summary>
        private void Chunk(string id, long seq)
        {
            var recipe = new Recipe(
                "m", new string('0', 64), 1, "", 0, new Dictionary<string, LayerChoice>(), new Dictionary<string, string>());
            Receive(
                "chunk",
                new Map
                {
                    { "id", id }, { "seq", seq }, { "character", seq }, { "kind", "preview" }, { "name", "idle" },
                    { "format", "r8" }, { "width", 20L }, { "height", 20L }, { "raw_length", 400L }, { "sha256", new byte[32] },
                    { "palette", new byte[1024] }, { "recipe", RecipeMap.Write(recipe) }, { "last", true },
                },
                new byte[400]);
        }

        private void Error(string id, string code, Map details = null)
        {
            Receive("error", new Map
            {
                { "id", id }, { "code", code }, { "message", "words" }, { "details", details ?? new Map() },
            });
        }

        private void GreetsAndIsWelcome()
        {
            session.Start(now, 5, false);
            Is(session.OpenAt, now);
            session.Opened(now);
            Map hello = One("hello");
            Is(((object[])hello["versions"])[0], 1L);
            Is(((string)hello["session"]).Length, 32);
            Is(session.Wakeup(), now + 5);
            Receive("welcome", new Map { { "version", 1L } });
            Is(session.State, ClientState.Ready);
            Is(session.Trouble, "");
        }

        private void GivesUpAtOnce()
        {
            session.Start(now, 5, false);
            session.Opened(now);
            session.Lost("the connection was refused", now);
            Is(session.State, ClientState.Failed);
            Is(session.Error.Code, "no_server");
            CheckFailed.Unless(session.Error.Message.Contains("tcp://here:1: the connection was refused"), session.Error.Message);
        }

        private void WaitsLongerEachTime()
        {
            session.Start(now, 60, true);
            double begin = now;
            foreach (double wait in new[] { 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5 })
            {
                session.Opened(now);
                session.Lost("gone", now);
                Is(Math.Round(session.OpenAt - now, 6), wait);
                now = session.OpenAt;
            }
            now = begin + 60;
            session.Tick(now);
            Is(session.State, ClientState.Failed);
        }

        private void ForgetsOldSilence()
        {
            Ready();
            now = session.Wakeup();
            session.Tick(now);
            Is(One("ping")["id"], "heartbeat");
            Is(session.Wakeup(), now + 10);
            Receive("pong", new Map { { "id", "heartbeat" } });
            now += 10;
            session.Tick(now);
            One("ping");
            now += 29;
            session.Tick(now);
            Is(session.State, ClientState.Ready);
        }

        private void FindsADeadServer()
        {
            Ready();
            now += 10;
            session.Tick(now);
            now += 30;
            session.Tick(now);
            Is(session.State, ClientState.Waiting);
            CheckFailed.Unless(session.Trouble.Contains("no sign of life"), session.Trouble);
        }

        private void SaysHelloAgain()
        {
            Ready();
            JobState job = Job("a");
            One("generate");
            Error("a", "hello_required");
            Is(session.State, ClientState.Waiting);
            Is(session.OpenAt, now);
            Is(job.Finished, false);
            session.Opened(now);
            One("hello");
            Receive("welcome", new Map { { "version", 1L } });
            Is(One("generate")["id"], "a");
        }

        private void RetriesWithWhatIsMissing()
        {
            Ready();
            JobState job = Job("a");
            Map first = One("generate");
            Is(first["credit"], 1000L);
            Is(first.ContainsKey("first_seq"), false);
            Accept("a");
            Chunk("a", 0);
            Chunk("a", 1);
            Is(job.NextSeq, 2L);
            job.Take();
            session.Lost("gone", now);
            session.Opened(now);
            Receive("welcome", new Map { { "version", 1L } });
            Map again = Sent().Find(x => (string)x["type"] == "generate");
            Is(again["first_seq"], 2L);
            CheckFailed.Unless(!again.ContainsKey("credit") || (long)again["credit"] < 1000, "credit for what is held");
            Chunk("a", 1);  // it came before
            Is(job.NextSeq, 2L);
        }

        private void WaitsWhileBusy()
        {
            Ready();
            Job("a");
            One("generate");
            Error("a", "busy", new Map { { "retry_after_ms", 700L } });
            session.Tick(now + 0.6);
            Is(Sent().Count, 0);
            now = session.Wakeup();
            session.Tick(now);
            One("generate");
            Error("a", "stalled");
            Is(Math.Round(session.Wakeup() - now, 6), 0.1);
        }

        private void GivesUpOnBusy()
        {
            Ready();
            JobState job = Job("a");
            Error("a", "busy", new Map { { "retry_after_ms", 61000L } });
            Is(job.Error.Code, "busy");
            CheckFailed.Unless(session.Changed.Contains(job), "nobody is told");
        }

        private void GrantsAQuarterAtATime()
        {
            Ready();
            JobState job = Job("a");
            Sent();
            Accept("a");
            Chunk("a", 0);
            session.Taken(job, now);
            Is(Sent().Count, 0);
            job.Take();
            session.Taken(job, now);
            CheckFailed.Unless((long)One("credit")["bytes"] > 400, "less than the chunk had");
        }

        private void CancelsWithoutConnection()
        {
            Ready();
            JobState job = Job("a");
            session.Lost("gone", now);
            session.Cancel(job, now);
            Is(job.Error.Code, "cancelled");
            session.Opened(now);
            Receive("welcome", new Map { { "version", 1L } });
            Is(Sent().Exists(x => (string)x["type"] == "generate"), false);
        }

        private void DropsWhatCrossedWithCancel()
        {
            Ready();
            JobState job = Job("a");
            Accept("a");
            Chunk("a", 0);
            Sent();
            session.Cancel(job, now);
            session.Cancel(job, now);
            One("cancel");
            Is(job.IsReady, false);
            Chunk("a", 1);
            Receive("done", new Map { { "id", "a" }, { "characters", 9L }, { "chunks", 9L } });
            Is(job.Finished, false);
            Receive("cancelled", new Map { { "id", "a" } });
            Is(job.Error.Code, "cancelled");
        }

        private void RefusesWhatIsWrongByForm()
        {
            Ready();
            Job("a");
            Sent();
            try
            {
                Job("a");
                throw new CheckFailed("the same id twice");
            }
            catch (VcgException error)
            {
                Is(error.Code, "bad_request");
            }
            Accept("a");
            Chunk("a", 3);
            Is(One("cancel")["id"], "a");  // a gap
        }

        private void EndsEverythingOnStop()
        {
            Ready();
            JobState job = Job("a");
            Question question = session.Ask("ping", new Map { { "id", "p" } }, now);
            Sent();
            session.Stop(now);
            One("bye");
            Is(job.Error.Code, "disconnected");
            Is(question.Error.Code, "disconnected");
            Is(session.State, ClientState.Idle);
        }
    }
}
