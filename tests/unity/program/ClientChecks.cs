using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Tests
{
    /// <summary>The client against servers that the tests have started.</summary>
    internal static class ClientChecks
    {
        private const int StepMs = 30000;

        /// <summary>OPTION=VALUE ...: address, token, pin, user, password, window.</summary>
        internal static VcgClientOptions Options(IEnumerable<string> arguments)
        {
            var options = new VcgClientOptions();
            foreach (string argument in arguments)
            {
                string[] parts = argument.Split(new[] { '=' }, 2);
                switch (parts[0])
                {
                    case "address": options.Address = parts[1]; break;
                    case "token": options.Token = parts[1]; break;
                    case "pin": options.CertificatePin = parts[1]; break;
                    case "certificate": options.CertificatePin = CertificatePin.OfFile(parts[1]); break;
                    case "user": options.PlainUser = parts[1]; break;
                    case "password": options.PlainPassword = parts[1]; break;
                    case "window": options.WindowBytes = int.Parse(parts[1]); break;
                    case "retry": options.Retry = TimeSpan.FromSeconds(double.Parse(parts[1])); break;
                    case "codecs": options.Codecs = parts[1].Split(','); break;
                    default: throw new CheckFailed("what is " + argument + "?");
                }
            }
            return options;
        }

        internal static T Wait<T>(Task<T> task)
        {
            Wait((Task)task);
            return task.Result;
        }

        internal static void Wait(Task task)
        {
            try
            {
                CheckFailed.Unless(task.Wait(StepMs), "it takes longer than " + StepMs + " ms");
            }
            catch (AggregateException error)
            {
                VcgException known = error.InnerException as VcgException;
                if (known != null)
                    throw known.Again();
                throw;
            }
        }

        private static GenerateRequest Request(int count)
        {
            return new GenerateRequest { Design = new Design { Seed = 7 }, Count = count };
        }

        /// <summary>open OPTIONS: "welcome" and the server, or the error.</summary>
        [Check("open")]
        private static string Open(string[] arguments)
        {
            try
            {
                using (var client = new VcgClient(Options(arguments)))
                    return "welcome\t" + Wait(client.ConnectAsync()).Server;
            }
            catch (VcgException error)
            {
                return error.Code + "\t" + error.Text;
            }
        }

        /// <summary>character OPTIONS: one character, with a hash of its pictures.</summary>
        [Check("character")]
        private static string Character(string[] arguments)
        {
            using (var client = new VcgClient(Options(arguments)))
            {
                GeneratedCharacter character = Wait(client.GenerateCharacterAsync(Request(1)));
                var all = new MemoryStream();
                foreach (Picture picture in character.Pictures)
                    all.Write(picture.Data, 0, picture.Data.Length);
                CheckFailed.Unless(character.Preview == character.Pictures[0], "the preview does not come first");
                foreach (Picture picture in character.Pictures)
                {
                    foreach (Strip strip in picture.Strips)
                        strip.Places(picture.Width, picture.Height);
                }
                return CertificatePin.Hex(Sha256.Hash(all.ToArray())) + " " + character.Pictures.Count;
            }
        }

        /// <summary>slow OPTIONS: takes one picture now and then; the server must have waited for credit.</summary>
        [Check("slow")]
        private static string Slow(string[] arguments)
        {
            using (var client = new VcgClient(Options(arguments)))
            using (VcgJob job = client.Generate(Request(30)))
            {
                int count = 0;
                for (Picture picture = Wait(job.NextAsync()); picture != null; picture = Wait(job.NextAsync()))
                {
                    CheckFailed.Unless(picture.Seq == count++, "chunk " + picture.Seq + " came as number " + (count - 1));
                    if (count % 10 == 0)
                        Thread.Sleep(50);
                }
                return count + " pictures";
            }
        }

        /// <summary>cancel OPTIONS: waiting can be given up without harm; a job that is cancelled ends so.</summary>
        [Check("cancel")]
        private static string Cancel(string[] arguments)
        {
            using (var client = new VcgClient(Options(arguments)))
            using (var giveUp = new CancellationTokenSource())
            {
                VcgJob job = client.Generate(Request(200));
                Wait(job.NextAsync());
                long next = 1;
                Task<Picture> waiting;
                do  // until a wait is given up before a picture comes
                {
                    waiting = job.NextAsync(giveUp.Token);
                    if (next++ == 5)
                        giveUp.Cancel();
                    try
                    {
                        waiting.Wait(StepMs);
                    }
                    catch (AggregateException error)
                    {
                        CheckFailed.Unless(error.InnerException is OperationCanceledException, error.ToString());
                        break;
                    }
                }
                while (next < 20 && !giveUp.IsCancellationRequested);
                bool refused = false;
                try
                {
                    job.NextAsync(giveUp.Token).Wait(StepMs);
                }
                catch (AggregateException error)
                {
                    refused = error.InnerException is OperationCanceledException;
                }
                CheckFailed.Unless(refused, "a token that is cancelled already waits");
                long seen = Wait(job.NextAsync()).Seq;
                CheckFailed.Unless(seen <= next, "a picture was lost with a wait that was given up: " + seen);
                Wait(job.CancelAsync());
                CheckFailed.Unless(job.IsFinished && job.Error.Code == "cancelled", "not cancelled");
                try
                {
                    Wait(job.NextAsync());
                    throw new CheckFailed("a picture after the cancel");
                }
                catch (VcgException error)
                {
                    CheckFailed.Unless(error.Code == "cancelled", error.Text);
                }
                Wait(job.CancelAsync());
                GeneratedCharacter after = Wait(client.GenerateCharacterAsync(Request(1)));
                return "cancelled, then " + after.Pictures.Count + " pictures";
            }
        }

        /// <summary>many OPTIONS: requests from eight threads at once over one client.</summary>
        [Check("many")]
        private static string Many(string[] arguments)
        {
            using (var client = new VcgClient(Options(arguments)))
            {
                var tasks = new List<Task<int>>();
                for (int i = 0; i < 8; i++)
                    tasks.Add(Task.Run(() => Work(client)));
                int pictures = 0;
                foreach (Task<int> task in tasks)
                    pictures += Wait(task);
                return pictures + " pictures";
            }
        }

        private static async Task<int> Work(VcgClient client)
        {
            int pictures = 0;
            for (int i = 0; i < 3; i++)
            {
                await client.PingAsync();
                VcgJob job = client.Generate(Request(2));
                while (await job.NextAsync() != null)
                    pictures++;
                CheckFailed.Unless((await client.DescribeAsync()).Layers.Count > 0, "no layers");
            }
            return pictures;
        }

        /// <summary>reconnect OPTIONS: takes a picture, says "SIGNAL", waits for input, takes the rest.</summary>
        [Check("reconnect")]
        private static string Reconnect(string[] arguments)
        {
            using (var client = new VcgClient(Options(arguments)))
            using (VcgJob job = client.Generate(Request(40)))
            {
                long next = 0;
                while (next < 20)
                    CheckFailed.Unless(Wait(job.NextAsync()).Seq == next++, "out of order");
                Console.WriteLine("SIGNAL half");
                Console.Out.Flush();
                Console.ReadLine();
                Picture picture;
                while ((picture = Wait(job.NextAsync())) != null)
                    CheckFailed.Unless(picture.Seq == next++, "out of order after the connection was lost");
                return next + " pictures";
            }
        }

        /// <summary>memory COUNT OPTIONS: that many characters; what is held must not grow with them.</summary>
        [Check("memory")]
        private static string Memory(string[] arguments)
        {
            int count = int.Parse(arguments[0]);
            var rest = new string[arguments.Length - 1];
            Array.Copy(arguments, 1, rest, 0, rest.Length);
            long early = 0, earlyResident = 0;
            int made = 0;
            long pictures = 0;
            using (var client = new VcgClient(Options(rest)))
            {
                while (made < count)
                {
                    using (VcgJob job = client.Generate(Request(100)))
                    {
                        GeneratedCharacter character;
                        while ((character = Wait(job.NextCharacterAsync())) != null)
                        {
                            made++;
                            pictures += character.Pictures.Count;
                        }
                    }
                    if (made == count / 2)
                    {
                        early = Held();
                        earlyResident = ProcessFacts.ResidentBytes();
                    }
                }
                long late = Held(), resident = ProcessFacts.ResidentBytes();
                const long Slack = 2 << 20;
                CheckFailed.Unless(late < early + Slack, "held: " + early + ", later " + late + " bytes");
                CheckFailed.Unless(
                    resident < earlyResident + 8 * Slack, "resident: " + earlyResident + ", later " + resident + " bytes");
                return made + " characters, " + pictures + " pictures, " + (late >> 10) + " KiB held (" + (early >> 10)
                    + " at half), " + (resident >> 20) + " MiB resident (" + (earlyResident >> 20) + " at half)";
            }
        }

        private static long Held()
        {
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            return GC.GetTotalMemory(true);
        }

        /// <summary>teardown CYCLES SEED OPTIONS: connects and leaves in the middle of everything; nothing may stay.</summary>
        [Check("teardown")]
        private static string TearDown(string[] arguments)
        {
            int cycles = int.Parse(arguments[0]);
            var random = new Random(int.Parse(arguments[1]));
            var rest = new string[arguments.Length - 2];
            Array.Copy(arguments, 2, rest, 0, rest.Length);
            const int WarmUp = 20;
            int threads = 0, most = 0;
            var pending = new List<Task>();
            for (int i = 0; i < cycles + WarmUp; i++)
            {
                if (i == WarmUp)
                    threads = ProcessFacts.Threads().Count;
                ProcessFacts.NothingIsLeft(Cycle(rest, random, pending), "cycle " + i);
                most = Math.Max(most, ProcessFacts.Threads().Count);
            }
            foreach (Task task in pending)
                CheckFailed.Unless(((IAsyncResult)task).AsyncWaitHandle.WaitOne(StepMs), "a task never ends");
            // Threads of the runtime's pool come and go: they must not grow with the cycles.
            CheckFailed.Unless(most <= threads + 8, threads + " threads became " + most);
            return cycles + " cycles, " + pending.Count + " tasks ended, " + threads + " to " + most + " threads";
        }

        private static VcgClient Cycle(string[] options, Random random, List<Task> pending)
        {
            var client = new VcgClient(Options(options));
            try
            {
                Use(client, random, pending);
            }
            finally
            {
                client.Dispose();
            }
            return client;
        }

        private static void Use(VcgClient client, Random random, List<Task> pending)
        {
            int stop = random.Next(6);
            if (stop == 0)
                return;
            Task<Welcome> welcome = client.ConnectAsync(TimeSpan.FromMilliseconds(StepMs), true);
            pending.Add(welcome);
            if (stop == 1)
            {
                Thread.Sleep(random.Next(8));  // anywhere in the handshake
                return;
            }
            Wait(welcome);
            VcgJob job = client.Generate(Request(50));
            for (int i = random.Next(4); i > 0; i--)
                Wait(job.NextAsync());
            pending.Add(job.NextAsync());
            pending.Add(client.PingAsync());
            if (stop == 2)
                Thread.Sleep(random.Next(10));
            if (stop == 3)
                job.Dispose();
            if (stop == 4)
                ThreadPool.QueueUserWorkItem(ignored => client.Dispose());
        }

        /// <summary>stuck ADDRESS: leaving in the middle of sending to somebody who takes nothing.</summary>
        [Check("stuck")]
        private static string Stuck(string[] arguments)
        {
            VcgClientOptions options = Options(arguments);
            options.Dead = TimeSpan.FromMinutes(5);
            var client = new VcgClient(options);
            Wait(client.ConnectAsync());
            var request = Request(1);
            for (int i = 0; i < 200; i++)
                request.Design.Items.Add("layer-" + i, new string('x', 120));
            VcgJob job = null;
            for (int i = 0; i < 600; i++)  // 14 MB: more than the kernel keeps
                job = client.Generate(request);
            Thread.Sleep(100);
            client.Dispose();
            CheckFailed.Unless(job.IsFinished && job.Error.Code == "disconnected", "the job goes on");
            ProcessFacts.NothingIsLeft(client, "in the end");
            return "nothing is left";
        }

        /// <summary>nobody TIMES ADDRESS: connecting to who never answers, and leaving: nothing stays.</summary>
        [Check("nobody")]
        private static string Nobody(string[] arguments)
        {
            for (int i = 0; i < int.Parse(arguments[0]); i++)
            {
                var client = new VcgClient(Options(new[] { arguments[1] }));
                Task<Welcome> welcome = client.ConnectAsync(TimeSpan.FromMilliseconds(StepMs), true);
                Thread.Sleep(i % 3 * 10);
                client.Dispose();
                try
                {
                    Wait(welcome);
                    throw new CheckFailed("a welcome from nobody");
                }
                catch (VcgException error)
                {
                    CheckFailed.Unless(error.Code == "disconnected", error.Text);
                }
                ProcessFacts.NothingIsLeft(client, "time " + i);
                try
                {
                    client.Generate(Request(1));
                    throw new CheckFailed("a closed client takes requests");
                }
                catch (VcgException error)
                {
                    CheckFailed.Unless(error.Code == "disconnected", error.Text);
                }
            }
            return "nothing is left";
        }
    }
}
