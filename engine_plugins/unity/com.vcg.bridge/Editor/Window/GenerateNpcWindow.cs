using System;
using System.Linq;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>Window > VCG Bridge > Generate NPC. Shows the studio, and hands what is done in it to the studio.</summary>
    /// <remarks>Drawn in IMGUI: it is the same from Unity 2021.3 to today, and a window that is drawn from the state at each
    /// event cannot show another one. Nothing changes while it draws: every action waits for the next editor update.</remarks>
    public sealed class GenerateNpcWindow : EditorWindow
    {
        const float SideWidth = 340;

        [SerializeField]
        string draft = ""; // a step of the editor's undo is a change of this field

        [SerializeField]
        Vector2 sideScroll;

        [SerializeField]
        Vector2 mainScroll;

        readonly ServerLine serverLine = new ServerLine();
        readonly WishPanel wishes = new WishPanel();
        readonly LayersPanel layers = new LayersPanel();
        readonly PreviewPanel preview = new PreviewPanel();
        readonly GalleryPanel gallery = new GalleryPanel();
        readonly SavePanel saving = new SavePanel();
        readonly NpcHistory history = new NpcHistory();
        Thumbnails thumbnails;
        Studio studio;
        double changedAt;

        [MenuItem("Window/VCG Bridge/Generate NPC")]
        static void ShowWindow()
        {
            GetWindow<GenerateNpcWindow>("Generate NPC");
        }

        void OnEnable()
        {
            minSize = new Vector2(720, 480);
            thumbnails = new Thumbnails();
            var state = NpcState.instance;
            history.Restore(state.history);
            NpcSession.Open();
            studio = NpcSession.Studio;
            studio.Restore(draft.Length > 0 && !state.unfinished ? draft : state.draft);
            if (state.seen.Length > 0)
                studio.See(state.seen);
            draft = studio.Draft.ToString();
            if (state.unfinished) // scripts were reloaded while it was being drawn
                studio.GenerateWhenReady();
            state.unfinished = false;
            studio.Changed += OnChanged;
            studio.Stepped += OnStepped;
            studio.Finished += OnFinished;
            studio.Saving += OnSaving;
            NpcSession.Keeper.Changed += Repaint;
            Undo.undoRedoPerformed += OnUndo;
        }

        void OnDisable()
        {
            Undo.undoRedoPerformed -= OnUndo;
            if (studio == null)
                return;
            var state = NpcState.instance;
            state.draft = studio.Draft.ToString(); // its seed may be newer than the last step's
            state.seen = studio.SeenAnimation;
            state.unfinished = studio.IsUnfinished;
            state.Keep();
            if (NpcSession.Studio == studio) // else a reload has closed the session already
            {
                studio.Changed -= OnChanged;
                studio.Stepped -= OnStepped;
                studio.Finished -= OnFinished;
                studio.Saving -= OnSaving;
                NpcSession.Keeper.Changed -= Repaint;
                NpcSession.Close();
            }
            studio = null;
            thumbnails.Dispose();
        }

        void Update()
        {
            if (studio == null)
                return;
            if (preview.Advance(studio))
                Repaint();
            // a slider was let go, or has rested for a moment
            if (studio.IsLive && GUIUtility.hotControl == 0 && EditorApplication.timeSinceStartup - changedAt > 0.3)
                NpcSession.Later(studio.Settle);
        }

        void OnGUI()
        {
            if (studio == null || NpcSession.Studio != studio) // between a reload and OnEnable
                return;
            NpcSession.Wake(); // only a window that is seen needs a server
            serverLine.Draw();
            if (studio.Trouble.Length > 0)
                EditorGUILayout.HelpBox(studio.Trouble, MessageType.Warning);
            if (studio.Description == null)
            {
                EditorGUILayout.HelpBox("The panel appears when a server is there.", MessageType.Info);
                return;
            }
            EditorGUILayout.BeginHorizontal();
            sideScroll = EditorGUILayout.BeginScrollView(sideScroll, GUILayout.Width(SideWidth));
            wishes.Draw(studio);
            layers.Draw(studio);
            EditorGUILayout.EndScrollView();
            mainScroll = EditorGUILayout.BeginScrollView(mainScroll);
            preview.Draw(studio, thumbnails);
            saving.Draw(studio);
            gallery.Draw(studio, history, thumbnails);
            EditorGUILayout.EndScrollView();
            EditorGUILayout.EndHorizontal();
            if (Event.current.type == EventType.Repaint)
                thumbnails.KeepOnly(studio.Variations.Concat(history.Entries));
        }

        void OnChanged()
        {
            changedAt = EditorApplication.timeSinceStartup;
            Repaint();
        }

        void OnStepped(string name)
        {
            Undo.IncrementCurrentGroup(); // what comes of two clicks is two steps, however late it comes
            Undo.RecordObject(this, name);
            draft = studio.Draft.ToString();
        }

        void OnUndo()
        {
            var text = draft;
            NpcSession.Later(() =>
            {
                if (studio != null)
                    studio.Restore(text);
            });
        }

        void OnFinished(NpcCharacter character)
        {
            if (!history.Add(character))
                return;
            NpcState.instance.history = history.ToString();
            NpcState.instance.Keep();
            Repaint();
        }

        void OnSaving(NpcCharacter character)
        {
            saving.Save(studio, character, message => ShowNotification(new GUIContent(message)));
        }
    }
}
