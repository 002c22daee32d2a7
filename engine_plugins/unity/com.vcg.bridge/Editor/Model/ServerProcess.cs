using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Editor
{
    /// <summary>`vcg serve` as a child of the editor.</summary>
    /// <remarks>Its standard input is a pipe whose other end only this process holds. The system closes that however the
    /// editor ends, and the server then stops in good order: none is ever left behind, and none is ever ended that was not
    /// started here (docs/adr/0005).</remarks>
    public sealed class ServerProcess : IDisposable
    {
        const int PollMs = 20;
        const int StartMs = 60000; // a cold disk, a virus scanner: a start takes a second or two otherwise
        const int KeptLines = 20;

        readonly Process process;
        readonly string readyFile;
        readonly Queue<string> said = new Queue<string>();
        bool stopped;

        ServerProcess(Process process, string readyFile)
        {
            this.process = process;
            this.readyFile = readyFile;
        }

        /// <summary>Where it listens: "tcp://127.0.0.1:40123".</summary>
        public string Address { get; private set; }

        /// <summary>Its process id.</summary>
        public int Id
        {
            get { return process.Id; }
        }

        /// <summary>Whether it has not ended.</summary>
        public bool IsRunning
        {
            get { return !stopped && !process.HasExited; }
        }

        /// <summary>Start a server and wait until it listens. Never blocks the caller.</summary>
        /// <param name="program">path of `vcg`</param>
        /// <param name="bind">where it shall listen; port 0: any free one</param>
        /// <param name="more">further arguments of `vcg serve`</param>
        /// <param name="cancel">ends the start, and the server with it</param>
        /// <exception cref="VcgException">in the task: what kept it from starting, in its own words</exception>
        public static Task<ServerProcess> StartAsync(string program, string bind, IEnumerable<string> more, CancellationToken cancel)
        {
            return Task.Run(() => Start(program, bind, more, cancel), cancel);
        }

        /// <summary>Let the server go. It ends by itself when its input closes; returns at once.</summary>
        public void Dispose()
        {
            if (stopped)
                return;
            stopped = true;
            try
            {
                process.StandardInput.Close();
            }
            catch (Exception error) when (error is IOException || error is InvalidOperationException)
            {
                // it has ended already
            }
            Forget(readyFile);
            process.Dispose();
        }

        static async Task<ServerProcess> Start(string program, string bind, IEnumerable<string> more, CancellationToken cancel)
        {
            var ready = Path.Combine(Path.GetTempPath(), "vcg-unity-" + Guid.NewGuid().ToString("N"));
            var arguments = new[] { "serve", "--bind", bind, "--ready-file", ready, "--stop-with-stdin" }.Concat(more);
            var start = new ProcessStartInfo(program, string.Join(" ", arguments.Select(Quoted)))
            {
                UseShellExecute = false,
                CreateNoWindow = true,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.EnvironmentVariables["PYTHONUNBUFFERED"] = "1";
            var server = new ServerProcess(new Process { StartInfo = start }, ready);
            try
            {
                server.process.OutputDataReceived += (sender, line) => server.Hear(line.Data);
                server.process.ErrorDataReceived += (sender, line) => server.Hear(line.Data);
                server.process.Start();
            }
            catch (Exception error) when (error is Win32Exception || error is IOException)
            {
                throw new VcgException(Vocabulary.ErrorCode.Config, program + " could not be started: " + error.Message, "is it a program that you may run?");
            }
            server.process.BeginOutputReadLine(); // what it says has to be read, or it would wait for room in the pipe
            server.process.BeginErrorReadLine();
            try
            {
                for (var waited = 0; waited < StartMs; waited += PollMs)
                {
                    if (File.Exists(ready))
                    {
                        server.Address = File.ReadAllLines(ready)[0].Trim();
                        return server;
                    }
                    if (server.process.HasExited)
                        throw server.Complaint();
                    await Task.Delay(PollMs, cancel);
                }
                throw new VcgException(Vocabulary.ErrorCode.Timeout, "the server did not listen within " + StartMs / 1000 + " s", "try `vcg doctor`");
            }
            catch
            {
                server.Dispose();
                throw;
            }
        }

        void Hear(string line)
        {
            if (string.IsNullOrEmpty(line))
                return;
            lock (said)
            {
                said.Enqueue(line);
                while (said.Count > KeptLines)
                    said.Dequeue();
            }
        }

        VcgException Complaint()
        {
            process.WaitForExit(); // until all that it said has been read
            string message = "the server ended with code " + process.ExitCode, hint = "try `vcg doctor`";
            lock (said)
            {
                var error = said.LastOrDefault(line => line.StartsWith("error: ", StringComparison.Ordinal));
                if (error != null)
                {
                    message = error.Substring("error: ".Length);
                    hint = said.Where(line => line.StartsWith("hint: ", StringComparison.Ordinal)).Select(line => line.Substring("hint: ".Length)).LastOrDefault() ?? "";
                }
                else if (said.Count > 0)
                {
                    message += ": " + string.Join(" ", said.Skip(Math.Max(0, said.Count - 3)));
                }
            }
            return new VcgException(Vocabulary.ErrorCode.Config, message, hint);
        }

        static void Forget(string file)
        {
            try
            {
                File.Delete(file);
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException)
            {
                // a file of a few bytes in the folder for such
            }
        }

        /// <summary>An argument as the C runtime of Windows, and mono's everywhere, take a command line apart.</summary>
        internal static string Quoted(string argument)
        {
            if (argument.Length > 0 && argument.IndexOfAny(new[] { ' ', '\t', '"', '\'', '\\' }) < 0)
                return argument;
            var quoted = new StringBuilder("\"");
            for (var i = 0; i < argument.Length; i++)
            {
                var slashes = 0;
                for (; i < argument.Length && argument[i] == '\\'; i++)
                    slashes++;
                if (i == argument.Length)
                    quoted.Append('\\', slashes * 2);
                else if (argument[i] == '"')
                    quoted.Append('\\', slashes * 2 + 1).Append('"');
                else
                    quoted.Append('\\', slashes).Append(argument[i]);
            }
            return quoted.Append('"').ToString();
        }
    }
}
