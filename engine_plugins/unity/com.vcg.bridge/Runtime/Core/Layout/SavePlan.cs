using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace Vcg.Bridge
{
    /// <summary>How a character is saved into a project.</summary>
    public sealed class SaveOptions
    {
        /// <summary>Each frame cut to its picture and equal pictures once, which takes a tenth of the texture memory. Else
        /// plain rows.</summary>
        public bool Packed = true;

        /// <summary>Pixels of a character that are one unit of the scene. LPC's floor tiles are 32 pixels wide.</summary>
        public float PixelsPerUnit = 32;

        /// <summary>Where its sprites' pivot is.</summary>
        public PivotPlace Pivot = PivotPlace.Feet;
    }

    /// <summary>All that a save writes, worked out beforehand and off the editor's main thread.</summary>
    public sealed class SavePlan
    {
        static readonly Regex Allowed = new Regex("^[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}$", RegexOptions.CultureInvariant);
        static readonly Regex Device = new Regex("^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\\..*)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

        /// <summary>Name of the files.</summary>
        public string Name { get; private set; }

        /// <summary>The sheet as a PNG file.</summary>
        public byte[] Png { get; private set; }

        /// <summary>Pixels.</summary>
        public int SheetWidth { get; private set; }

        /// <summary>Pixels.</summary>
        public int SheetHeight { get; private set; }

        /// <summary>Pixels of the sheet that are one unit.</summary>
        public float PixelsPerUnit { get; private set; }

        /// <summary>The sheet's sprites.</summary>
        public IReadOnlyList<SpriteSlice> Slices { get; private set; }

        /// <summary>A clip for each animation and direction.</summary>
        public IReadOnlyList<ClipPlan> Clips { get; private set; }

        /// <summary>Name of the sprite that stands for the character: standing, seen from the front, where there is one.</summary>
        public string Face { get; private set; }

        /// <summary>The recipe's file.</summary>
        public byte[] Recipe { get; private set; }

        /// <summary>Lines of credits.</summary>
        public IReadOnlyList<string> Credits { get; private set; }

        /// <summary>What this save writes, for the next one to compare: the sheet, the recipe, each clip.</summary>
        public SaveRecord Record { get; private set; }

        /// <summary>Key of the sheet in the record.</summary>
        public const string SheetKey = "sheet";

        /// <summary>Key of the recipe in the record.</summary>
        public const string RecipeKey = "recipe";

        /// <summary>Work out what to write.</summary>
        /// <param name="name">of the files, see CheckName</param>
        /// <param name="frames">in the model's order</param>
        /// <param name="palette">256 x RGBA</param>
        /// <param name="recipe">of the character</param>
        /// <param name="credits">lines of credits</param>
        /// <param name="attribution">one line that a product must show; goes into the picture's file too</param>
        /// <param name="options">how</param>
        /// <exception cref="VcgException">a name that cannot be a file's, nothing to save, a sheet that is too large</exception>
        public static SavePlan Of(
            string name, FrameSet frames, byte[] palette, Recipe recipe, IReadOnlyList<string> credits, string attribution, SaveOptions options)
        {
            CheckName(name);
            if (!(options.PixelsPerUnit > 0) || float.IsInfinity(options.PixelsPerUnit))
                throw VcgException.BadRequest("pixels per unit must be more than 0", "32 makes a floor tile of LPC one unit");
            var sheet = options.Packed ? PackedLayout.LayOut(frames) : RowsLayout.LayOut(frames);
            var text = new Dictionary<string, string> { { "Software", "VCG Bridge" }, { "Copyright", attribution } };
            var json = RecipeJson.Write(recipe);
            var plan = new SavePlan
            {
                Name = name,
                Png = PngWriter.Rgba(sheet.Rgba(palette), sheet.Width, sheet.Height, text),
                SheetWidth = sheet.Width,
                SheetHeight = sheet.Height,
                PixelsPerUnit = options.PixelsPerUnit,
                Slices = Bridge.Slices.Of(sheet, options.Pivot, frames.Ground()),
                Clips = ClipPlan.Of(frames),
                Face = FaceOf(frames),
                Recipe = json.Concat(new[] { (byte)'\n' }).ToArray(),
                Credits = credits,
                Record = new SaveRecord(),
            };
            plan.Record.Set(SheetKey, SaveRecord.Fingerprint(plan.Png));
            plan.Record.Set(RecipeKey, SaveRecord.Fingerprint(plan.Recipe));
            foreach (var clip in plan.Clips)
                plan.Record.Set(clip.Name, clip.Fingerprint);
            return plan;
        }

        /// <summary>Refuse a name that is no plain file name on some system.</summary>
        public static void CheckName(string name)
        {
            if (!Allowed.IsMatch(name) || name.EndsWith(".", StringComparison.Ordinal) || name.EndsWith(" ", StringComparison.Ordinal) || Device.IsMatch(name))
                throw VcgException.BadRequest("'" + name + "' cannot be a file name", "use letters, digits, '-', '_', '.' and spaces, 100 at most");
        }

        static string FaceOf(FrameSet frames)
        {
            var first = frames.Frames.Where(frame => frame.Index == 0).ToList();
            var face = first.FirstOrDefault(frame => frame.Animation == "idle" && frame.Direction == "down")
                ?? first.FirstOrDefault(frame => frame.Direction == "down") ?? frames.Frames[0];
            return face.Name;
        }
    }
}
