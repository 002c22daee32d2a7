using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Vcg.Bridge.Editor
{
    /// <summary>The last characters, newest first, with their faces.</summary>
    public sealed class NpcHistory
    {
        /// <summary>So many are kept.</summary>
        public const int Room = 40;

        readonly List<NpcCharacter> entries = new List<NpcCharacter>();

        /// <summary>Newest first.</summary>
        public IReadOnlyList<NpcCharacter> Entries
        {
            get { return entries; }
        }

        /// <summary>A character at the front. One that is there already moves there.</summary>
        /// <returns>Whether anything changed.</returns>
        public bool Add(NpcCharacter character)
        {
            if (character.Face == null)
                return false;
            var recipe = RecipeJson.Write(character.Recipe);
            if (entries.Count > 0 && RecipeJson.Write(entries[0].Recipe).SequenceEqual(recipe))
                return false;
            entries.RemoveAll(entry => RecipeJson.Write(entry.Recipe).SequenceEqual(recipe));
            var kept = new NpcCharacter(character.Recipe, (byte[])character.Palette.Clone());
            kept.Add(new Drawn(0, character.Recipe, character.Palette, true, Alone(character.Face), new string[0]));
            entries.Insert(0, kept);
            if (entries.Count > Room)
                entries.RemoveRange(Room, entries.Count - Room);
            return true;
        }

        /// <summary>Forget all.</summary>
        public void Clear()
        {
            entries.Clear();
        }

        /// <summary>All of it, a line for each character.</summary>
        public override string ToString()
        {
            var text = new StringBuilder();
            foreach (var entry in entries)
                text.Append(Convert.ToBase64String(RecipeJson.Write(entry.Recipe))).Append(' ')
                    .Append(Convert.ToBase64String(entry.Palette)).Append(' ')
                    .Append(entry.Face.Width.ToString(CultureInfo.InvariantCulture)).Append(' ')
                    .Append(Convert.ToBase64String(entry.Face.Slots)).Append('\n');
            return text.ToString();
        }

        /// <summary>Become what a text says. Lines that are damaged are passed over.</summary>
        public void Restore(string text)
        {
            entries.Clear();
            foreach (var line in (text ?? "").Split('\n').Take(Room))
            {
                var entry = Read(line.Split(' '));
                if (entry != null)
                    entries.Add(entry);
            }
        }

        static NpcCharacter Read(string[] words)
        {
            int width;
            if (words.Length != 4 || !int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out width) || width < 1)
                return null;
            try
            {
                var recipe = RecipeJson.Read(Convert.FromBase64String(words[0]));
                byte[] palette = Convert.FromBase64String(words[1]), slots = Convert.FromBase64String(words[3]);
                if (palette.Length != Pixels.PaletteBytes || slots.Length == 0 || slots.Length % width != 0)
                    return null;
                var entry = new NpcCharacter(recipe, palette);
                var face = new Frame("face", "down", 0, width, slots.Length / width, slots);
                entry.Add(new Drawn(0, recipe, palette, true, Alone(face), new string[0]));
                return entry;
            }
            catch (FormatException)
            {
                return null;
            }
            catch (VcgException)
            {
                return null;
            }
        }

        static FrameSet Alone(Frame frame)
        {
            var set = new FrameSet();
            set.Add(new AnimationTiming(frame.Animation, 1, true), new[] { frame });
            return set;
        }
    }
}
