using System;
using System.IO;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>What lives as long as a window is open: the connection, and a server that was started for it.</summary>
    /// <remarks>Everything is closed before scripts are reloaded and before the editor quits, and made anew when it is needed
    /// again: a window that is there after a reload calls Open. Play mode with domain reload switched off touches none of
    /// it, since nothing here belongs to a scene.</remarks>
    static class NpcSession
    {
        const double PollSeconds = 0.2;
        static MainQueue queue;
        static double polled;
        static int windows;
        static bool awake;

        /// <summary>The connection; null while no window is open.</summary>
        public static ServerKeeper Keeper { get; private set; }

        /// <summary>The window's model; null while no window is open.</summary>
        public static Studio Studio { get; private set; }

        /// <summary>A window opens, or is back after a reload.</summary>
        public static void Open()
        {
            windows++;
            if (queue != null)
                return;
            queue = new MainQueue();
            Studio = new Studio(queue);
            Keeper = new ServerKeeper(queue, Settings);
            Keeper.Described += (link, description) => Studio.Attach(link, description);
            Keeper.Changed += () =>
            {
                // a connection that was only lost goes on with its jobs when it is back
                if (Keeper != null && Keeper.State != KeeperState.Ready && Keeper.State != KeeperState.Lost && Studio.IsReady)
                    Studio.Detach();
            };
            EditorApplication.update += Update;
            AssemblyReloadEvents.beforeAssemblyReload += CloseAll;
            EditorApplication.quitting += CloseAll;
        }

        /// <summary>Connect, unless that was begun before.</summary>
        public static void Wake()
        {
            if (awake || queue == null)
                return;
            awake = true;
            queue.Post(Keeper.Begin);
        }

        /// <summary>A window closes.</summary>
        public static void Close()
        {
            windows = Math.Max(0, windows - 1);
            if (windows == 0)
                CloseAll();
        }

        /// <summary>Do something after the current event: a window must not change while it draws itself.</summary>
        public static void Later(Action action)
        {
            var open = queue; // from any thread
            if (open != null)
                open.Post(action);
        }

        /// <summary>The settings have changed: connect with them.</summary>
        public static void Reconnect()
        {
            NpcState.instance.Keep();
            Later(() => Keeper.Begin());
        }

        static void Update()
        {
            try
            {
                queue.Drain();
                if (queue == null) // the last window was closed in there
                    return;
                if (EditorApplication.timeSinceStartup - polled < PollSeconds)
                    return;
                polled = EditorApplication.timeSinceStartup;
                Keeper.Poll();
            }
            catch (Exception error)
            {
                Debug.LogException(error);
                if (Studio != null)
                    Studio.Fail("Something went wrong in VCG Bridge; the console says what. (" + error.Message + ")");
            }
        }

        static void CloseAll()
        {
            if (queue == null)
                return;
            EditorApplication.update -= Update;
            AssemblyReloadEvents.beforeAssemblyReload -= CloseAll;
            EditorApplication.quitting -= CloseAll;
            queue.Close();
            Studio.Dispose();
            Keeper.Dispose(); // sockets and threads are gone when this comes back
            queue = null;
            Studio = null;
            Keeper = null;
            windows = 0;
            awake = false;
        }

        static KeeperSettings Settings()
        {
            var state = NpcState.instance;
            var project = Path.GetFullPath(Path.Combine(Application.dataPath, ".."));
            return new KeeperSettings
            {
                Address = state.address,
                Token = state.token,
                CertificatePin = state.certificatePin,
                Program = ServerProgram.Find(
                    state.program, project, Environment.GetEnvironmentVariable, Application.platform == RuntimePlatform.WindowsEditor),
                Start = state.startServer,
            };
        }
    }
}
