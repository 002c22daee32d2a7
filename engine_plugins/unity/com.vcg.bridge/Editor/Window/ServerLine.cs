using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>How things are with the server, and its settings.</summary>
    sealed class ServerLine
    {
        bool open;
        string problem = "";

        public void Draw()
        {
            var keeper = NpcSession.Keeper;
            EditorGUILayout.BeginHorizontal(EditorStyles.toolbar);
            GUILayout.Label(new GUIContent(keeper.Words, Details(keeper)));
            GUILayout.FlexibleSpace();
            if (GUILayout.Button("Connect", EditorStyles.toolbarButton))
                NpcSession.Reconnect();
            open = GUILayout.Toggle(open, "Settings", EditorStyles.toolbarButton);
            EditorGUILayout.EndHorizontal();
            if (open)
                DrawSettings();
        }

        void DrawSettings()
        {
            var state = NpcState.instance;
            state.address = EditorGUILayout.DelayedTextField(
                new GUIContent("Address", "tcp://HOST:PORT on this machine, tls://HOST:PORT beyond it"), state.address).Trim();
            state.token = EditorGUILayout.PasswordField(
                new GUIContent("Token", "Where the server asks for one. Beyond this machine with tls:// only"), state.token);
            EditorGUILayout.BeginHorizontal();
            state.certificatePin = EditorGUILayout.DelayedTextField(
                new GUIContent("Certificate", "tls: sha256 of the server's certificate, 64 hex digits"), state.certificatePin).Trim();
            if (GUILayout.Button("From file", GUILayout.Width(70)))
                NpcSession.Later(PinFile);
            EditorGUILayout.EndHorizontal();
            if (problem.Length > 0)
                EditorGUILayout.HelpBox(problem, MessageType.Warning);
            state.startServer = EditorGUILayout.Toggle(
                new GUIContent("Start a server", "Where none answers on this machine. It is stopped with the window."), state.startServer);
            state.program = EditorGUILayout.DelayedTextField(
                new GUIContent("Command", "Path of vcg. Empty: in the project's .venv, or in PATH"), state.program).Trim();
            EditorGUILayout.LabelField(" ", "These settings are yours alone: they lie in the folder UserSettings.");
        }

        void PinFile()
        {
            var path = EditorUtility.OpenFilePanel("The server's certificate", "", "");
            if (string.IsNullOrEmpty(path))
                return;
            try
            {
                NpcState.instance.certificatePin = CertificatePin.OfFile(path);
                problem = "";
            }
            catch (VcgException error)
            {
                problem = error.Text;
            }
        }

        static string Details(ServerKeeper keeper)
        {
            if (keeper.IsOwn)
                return keeper.Address + "\nThe editor started this server (process " + keeper.OwnId + ") and stops it with the window.";
            if (keeper.State == KeeperState.Ready)
                return keeper.Address + "\nThis server was there before; the editor leaves it alone.";
            return keeper.Address ?? "";
        }
    }
}
