using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Vcg.Bridge.Tests
{
    /// <summary>What Linux says of this process in /proc/self.</summary>
    internal static class ProcessFacts
    {
        [DllImport("libc", SetLastError = true)]
        private static extern IntPtr readlink(string path, byte[] buffer, IntPtr size);

        /// <summary>Names of all threads, those of the runtime among them.</summary>
        public static List<string> Threads()
        {
            var names = new List<string>();
            foreach (string task in Directory.GetDirectories("/proc/self/task"))
            {
                try
                {
                    names.Add(File.ReadAllText(Path.Combine(task, "comm")).Trim());
                }
                catch (IOException)
                {
                    // It has just ended.
                }
            }
            return names;
        }

        /// <summary>
        /// Fails where threads of a closed client, or sockets, are left. Of names one may stay: the monitor of the runtime's
        /// pool has none of its own and inherits that of the thread that starts it. The kernel may list a thread for a moment
        /// after others have seen its end, on a busy machine a long one.
        /// </summary>
        public static void NothingIsLeft(VcgClient client, string where)
        {
            CheckFailed.Unless(client.IsQuiet, where + ": a thread of the client still runs");
            CheckFailed.Unless(Sockets() == 0, where + ": " + Sockets() + " sockets are left");
            List<string> found = null;
            for (int i = 0; i < 10000; i++)
            {
                found = Threads().FindAll(x => x.StartsWith("vcg", StringComparison.Ordinal));
                if (found.Count <= 1)
                    return;
                System.Threading.Thread.Sleep(1);
            }
            throw new CheckFailed(where + ": threads are left: " + string.Join(", ", found.ToArray()));
        }

        /// <summary>Open sockets.</summary>
        public static int Sockets()
        {
            int count = 0;
            var target = new byte[256];
            foreach (string descriptor in Directory.GetFiles("/proc/self/fd"))
            {
                var length = (int)readlink(descriptor, target, (IntPtr)target.Length);
                if (length > 0 && Encoding.ASCII.GetString(target, 0, length).StartsWith("socket:", StringComparison.Ordinal))
                    count++;
            }
            return count;
        }

        /// <summary>Memory that the process has in RAM.</summary>
        public static long ResidentBytes()
        {
            string[] pages = File.ReadAllText("/proc/self/statm").Split(' ');
            return long.Parse(pages[1]) * 4096;
        }
    }
}
