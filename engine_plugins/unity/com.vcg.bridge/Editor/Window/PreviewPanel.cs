using System.Linq;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>The character, moving, from all sides.</summary>
    sealed class PreviewPanel
    {
        const float Height = 200;
        readonly FramePlayer player = new FramePlayer();
        string playing = "";
        double before;

        /// <summary>Let time go by. True where another frame is due.</summary>
        public bool Advance(Studio studio)
        {
            var now = EditorApplication.timeSinceStartup;
            var passed = Mathf.Min((float)(now - before), 0.5f); // an editor that stalled does not race
            before = now;
            if (studio.Shown == null || !studio.Shown.Has(studio.SeenAnimation))
                return false;
            if (player.IsOver && passed > 0) // what does not repeat in the game is still to be looked at here
                playing = "";
            if (playing != studio.SeenAnimation)
            {
                playing = studio.SeenAnimation;
                player.Start(studio.Shown.Frames.Timing(playing), FrameCount(studio));
                return true;
            }
            return player.Advance(passed);
        }

        public void Draw(Studio studio, Thumbnails thumbnails)
        {
            var animations = studio.Description.Animations;
            var ids = animations.Select(x => x.Id).ToList();
            EditorGUI.BeginChangeCheck();
            var index = EditorGUILayout.Popup("Animation", ids.IndexOf(studio.SeenAnimation), animations.Select(x => WishPanel.Plain(x.Title)).ToArray());
            if (EditorGUI.EndChangeCheck() && index >= 0)
                NpcSession.Later(() => studio.See(ids[index]));
            var area = GUILayoutUtility.GetRect(200, Height, GUILayout.ExpandWidth(true));
            EditorGUI.DrawRect(area, new Color(0.36f, 0.42f, 0.36f));
            if (Event.current.type != EventType.Repaint || studio.Shown == null)
                return;
            var strip = PreviewStrip.Of(studio.Shown.Frames, studio.SeenAnimation, player.Frame, studio.Shown.Palette)
                ?? (studio.Shown.Face == null ? null : PreviewStrip.Of(studio.Shown.Face, studio.Shown.Palette));
            if (strip == null)
                return;
            var scale = Mathf.Max(1, Mathf.FloorToInt(Mathf.Min(area.width / strip.Width, area.height / strip.Height)));
            var size = new Vector2(strip.Width * scale, strip.Height * scale); // whole pixels stay square
            var place = new Rect(area.x + (area.width - size.x) / 2, area.y + (area.height - size.y) / 2, size.x, size.y);
            GUI.DrawTexture(place, thumbnails.Preview(strip), ScaleMode.StretchToFill, true);
        }

        int FrameCount(Studio studio)
        {
            return studio.Shown.Frames.Of(playing).Max(frame => frame.Index) + 1;
        }
    }
}
