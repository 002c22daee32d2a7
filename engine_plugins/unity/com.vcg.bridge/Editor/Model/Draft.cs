using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Vcg.Bridge.Editor
{
    /// <summary>What the window is set to: the wishes, the locks, and the character that came of them. Plain data.</summary>
    /// <remarks>Written as text it is one step of the editor's undo, and survives a domain reload.</remarks>
    public sealed class Draft
    {
        /// <summary>"": drawn from the seed.</summary>
        public string Archetype = "";

        /// <summary>"": drawn.</summary>
        public string Body = "";

        /// <summary>0 to 2^63 - 1.</summary>
        public long Seed = 1;

        /// <summary>Percent.</summary>
        public int Novelty;

        /// <summary>Layers that keep their item and colours.</summary>
        public readonly HashSet<string> Locks = new HashSet<string>(StringComparer.Ordinal);

        /// <summary>The character that is shown; null before the first.</summary>
        public Recipe Recipe;

        /// <summary>"layer/control" to percent, as the sliders stand.</summary>
        public readonly Dictionary<string, int> Controls = new Dictionary<string, int>(StringComparer.Ordinal);

        /// <summary>What the sliders' positions are measured from; null where none has been moved.</summary>
        public Recipe ControlBase;

        /// <summary>Ids of the animations to make. None: all.</summary>
        public readonly HashSet<string> Animations = new HashSet<string>(StringComparer.Ordinal);

        /// <summary>Name of the files; "": made of archetype and seed.</summary>
        public string FileName = "";

        /// <summary>Folder of the project to save to.</summary>
        public string Folder = "Assets/Characters";

        /// <summary>Name of the files: what was typed, else of the character itself.</summary>
        public string SaveName
        {
            get
            {
                if (FileName.Length > 0)
                    return FileName;
                var kind = Recipe != null ? Recipe.Archetype : Archetype;
                var seed = Recipe != null ? Recipe.Seed : Seed;
                return (kind.Length > 0 ? kind : "npc") + "-" + seed.ToString(CultureInfo.InvariantCulture);
            }
        }

        /// <summary>Another character is shown.</summary>
        /// <param name="recipe">of it</param>
        /// <param name="keepControls">it came of the sliders; else they start from it</param>
        public void Take(Recipe recipe, bool keepControls)
        {
            Recipe = recipe;
            if (keepControls)
                return;
            Controls.Clear();
            ControlBase = null;
        }

        /// <summary>A slider was moved.</summary>
        public void MoveControl(string key, int percent)
        {
            if (ControlBase == null)
                ControlBase = Recipe;
            Controls[key] = percent;
        }

        /// <summary>A colour group shows another ramp. The sliders' base changes with it: colours are no matter of theirs.</summary>
        public void SetRamp(string group, string ramp)
        {
            var change = new[] { new KeyValuePair<string, string>(group, ramp) };
            if (Recipe != null && Recipe.Ramps.ContainsKey(group))
                Recipe = Recipe.Recoloured(change);
            if (ControlBase != null && ControlBase.Ramps.ContainsKey(group))
                ControlBase = ControlBase.Recoloured(change);
        }

        /// <summary>All of it as lines "key value". The same draft gives the same text.</summary>
        public override string ToString()
        {
            var text = new StringBuilder();
            Line(text, "archetype", Archetype);
            Line(text, "body", Body);
            Line(text, "seed", Seed.ToString(CultureInfo.InvariantCulture));
            Line(text, "novelty", Novelty.ToString(CultureInfo.InvariantCulture));
            foreach (var layer in Locks.OrderBy(x => x, StringComparer.Ordinal))
                Line(text, "lock", layer);
            foreach (var control in Controls.OrderBy(x => x.Key, StringComparer.Ordinal))
                Line(text, "control", control.Value.ToString(CultureInfo.InvariantCulture) + " " + control.Key);
            foreach (var animation in Animations.OrderBy(x => x, StringComparer.Ordinal))
                Line(text, "animation", animation);
            Line(text, "file", FileName);
            Line(text, "folder", Folder);
            if (Recipe != null)
                Line(text, "recipe", Encoding.UTF8.GetString(RecipeJson.Write(Recipe)));
            if (ControlBase != null)
                Line(text, "base", Encoding.UTF8.GetString(RecipeJson.Write(ControlBase)));
            return text.ToString();
        }

        /// <summary>Become what a text says. What it does not say is as in a new draft; lines that cannot be read are passed
        /// over, since an older or newer version of the package may have written them.</summary>
        public void Restore(string text)
        {
            var fresh = new Draft();
            Archetype = fresh.Archetype;
            Body = fresh.Body;
            Seed = fresh.Seed;
            Novelty = fresh.Novelty;
            Locks.Clear();
            Recipe = null;
            Controls.Clear();
            ControlBase = null;
            Animations.Clear();
            FileName = fresh.FileName;
            Folder = fresh.Folder;
            foreach (var line in (text ?? "").Split('\n'))
            {
                var cut = line.IndexOf(' ');
                if (cut > 0)
                    Read(line.Substring(0, cut), line.Substring(cut + 1));
            }
        }

        void Read(string key, string value)
        {
            long number;
            switch (key)
            {
                case "archetype": Archetype = value; break;
                case "body": Body = value; break;
                case "seed": if (Whole(value, out number) && number >= 0) Seed = number; break;
                case "novelty": if (Whole(value, out number)) Novelty = (int)Math.Max(0, Math.Min(100, number)); break;
                case "lock": Locks.Add(value); break;
                case "animation": Animations.Add(value); break;
                case "file": FileName = value; break;
                case "folder": Folder = value; break;
                case "recipe": Recipe = RecipeOf(value); break;
                case "base": ControlBase = RecipeOf(value); break;
                case "control":
                    var cut = value.IndexOf(' ');
                    if (cut > 0 && Whole(value.Substring(0, cut), out number))
                        Controls[value.Substring(cut + 1)] = (int)Math.Max(-100, Math.Min(100, number));
                    break;
            }
        }

        static Recipe RecipeOf(string json)
        {
            try
            {
                return RecipeJson.Read(Encoding.UTF8.GetBytes(json));
            }
            catch (VcgException)
            {
                return null;
            }
        }

        static bool Whole(string text, out long number)
        {
            return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
        }

        static void Line(StringBuilder text, string key, string value)
        {
            text.Append(key).Append(' ').Append(value.Replace('\n', ' ').Replace('\r', ' ')).Append('\n');
        }
    }
}
