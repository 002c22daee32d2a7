using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Tasks;

namespace Vcg.Bridge.Tests
{
    /// <summary>What benchmarks/unity_core.py runs. Each gives milliseconds, smallest first, in one line.</summary>
    internal static class Benchmarks
    {
        private static string Sorted(List<double> milliseconds)
        {
            milliseconds.Sort();
            return string.Join(
                " ", milliseconds.ConvertAll(x => x.ToString("F4", CultureInfo.InvariantCulture)).ToArray());
        }

        /// <summary>time-pings TIMES OPTIONS: round trips, one after the other.</summary>
        [Check("time-pings")]
        private static string Pings(string[] arguments)
        {
            var times = new List<double>();
            using (var client = new VcgClient(ClientChecks.Options(Rest(arguments, 1))))
            {
                ClientChecks.Wait(client.ConnectAsync());
                ClientChecks.Wait(Ping(client, int.Parse(arguments[0]), times));
            }
            return Sorted(times);
        }

        private static async Task Ping(VcgClient client, int times, List<double> into)
        {
            for (int i = -200; i < times; i++)
            {
                TimeSpan took = await client.PingAsync().ConfigureAwait(false);
                if (i >= 0)
                    into.Add(took.TotalMilliseconds);
            }
        }

        /// <summary>time-decode TIMES FILE: codec, blob, length (text), sha256 as of the check "blobs".</summary>
        [Check("time-decode")]
        private static string Decode(string[] arguments)
        {
            List<byte[]> parts = Frames.ReadFile(arguments[1]);
            string codec = System.Text.Encoding.ASCII.GetString(parts[0]);
            int length = int.Parse(System.Text.Encoding.ASCII.GetString(parts[2]));
            var times = new List<double>();
            for (int i = -3; i < int.Parse(arguments[0]); i++)
            {
                Stopwatch watch = Stopwatch.StartNew();
                BlobDecoder.Decode(codec, parts[1], length, parts[3]);
                if (i >= 0)
                    times.Add(watch.Elapsed.TotalMilliseconds);
            }
            return Sorted(times);
        }

        /// <summary>time-previews TIMES OPTIONS: from asking for a new character to its first picture in hand.</summary>
        [Check("time-previews")]
        private static string Previews(string[] arguments)
        {
            var times = new List<double>();
            using (var client = new VcgClient(ClientChecks.Options(Rest(arguments, 1))))
            {
                ClientChecks.Wait(client.ConnectAsync());
                for (int i = -3; i < int.Parse(arguments[0]); i++)
                {
                    var request = new GenerateRequest { Design = new Design { Seed = 1000 + i } };
                    Stopwatch watch = Stopwatch.StartNew();
                    using (VcgJob job = client.Generate(request))
                    {
                        ClientChecks.Wait(job.NextAsync());
                        if (i >= 0)
                            times.Add(watch.Elapsed.TotalMilliseconds);
                        while (ClientChecks.Wait(job.NextAsync()) != null)
                        {
                        }
                    }
                }
            }
            return Sorted(times);
        }

        private static string[] Rest(string[] arguments, int from)
        {
            var rest = new string[arguments.Length - from];
            Array.Copy(arguments, from, rest, 0, rest.Length);
            return rest;
        }
    }
}
