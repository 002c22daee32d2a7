using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Vcg.Bridge;

/// Lays out the frames that the Python side wrote, with the package's own code, and writes what came of it.
///
///     LayoutProgram.exe FOLDER
///
/// FOLDER/frames.txt has a line for each animation ("A id fps loop") and each of its frames ("F direction index width
/// height"); FOLDER/frames.bin the slots of all frames; FOLDER/palette.bin the palette; FOLDER/credits.txt a line for each
/// credit; FOLDER/existing.txt a CREDITS.txt. See tests/unity/test_layout.py for what it writes.
static class LayoutProgram
{
    static string folder;

    static int Main(string[] arguments)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = new CultureInfo("de-DE"); // 0,5 for 0.5
        folder = arguments[0];
        var set = ReadFrames();
        var palette = File.ReadAllBytes(Path.Combine(folder, "palette.bin"));
        WriteSheet("rows", RowsLayout.LayOut(set), set, palette);
        WriteSheet("packed", PackedLayout.LayOut(set), set, palette);
        WriteSheet("extruded", PackedLayout.LayOut(set, 2, 1), set, palette);
        WriteClips(set);
        WriteController(set);
        var credits = File.ReadAllLines(Path.Combine(folder, "credits.txt"));
        var existing = File.ReadAllText(Path.Combine(folder, "existing.txt"));
        Write("credits.new.txt", CreditsText.Merge("", credits, "Drawn by Nobody", "CC0-1.0", "Tiny (tiny 0.1.0)"));
        Write("credits.merged.txt", CreditsText.Merge(existing, credits, "Drawn by Nobody", "CC0-1.0", "Tiny (tiny 0.1.0)"));
        Write("ground.txt", set.Ground().ToString());
        Write("ids.txt", Ids(set));
        Write("record.txt", Record());
        Write("refused.txt", Refused(set));
        Write("flipped.bin", Pixels.Flip(set.Frames[0].Slots, set.Frames[0].Width));
        Write("order.txt", string.Join(" ", set.InOrder(new[] { "idle", "nothing", "idle" }).Animations.Select(a => a.Id)));
        return 0;
    }

    static FrameSet ReadFrames()
    {
        var set = new FrameSet();
        var bytes = File.ReadAllBytes(Path.Combine(folder, "frames.bin"));
        var at = 0;
        AnimationTiming timing = null;
        var frames = new List<Frame>();
        foreach (var line in File.ReadAllLines(Path.Combine(folder, "frames.txt")))
        {
            var words = line.Split(' ');
            if (words[0] == "A")
            {
                if (timing != null)
                    set.Add(timing, frames);
                timing = new AnimationTiming(words[1], double.Parse(words[2], CultureInfo.InvariantCulture), words[3] == "loop");
                frames = new List<Frame>();
                continue;
            }
            int width = int.Parse(words[3]), height = int.Parse(words[4]);
            var slots = new byte[width * height];
            Buffer.BlockCopy(bytes, at, slots, 0, slots.Length);
            at += slots.Length;
            frames.Add(new Frame(timing.Id, words[1], int.Parse(words[2]), width, height, slots));
        }
        set.Add(timing, frames);
        return set;
    }

    static void WriteSheet(string name, Sheet sheet, FrameSet set, byte[] palette)
    {
        Write(name + ".bin", sheet.Slots);
        var text = new Dictionary<string, string> { { "Copyright", "Künstler" } };
        Write(name + ".png", PngWriter.Rgba(sheet.Rgba(palette), sheet.Width, sheet.Height, text));
        var lines = new StringBuilder(sheet.Width + " " + sheet.Height + "\n");
        foreach (var frame in sheet.Frames)
            lines.AppendLine(string.Join(" ", frame.Frame.Name, frame.Place.X, frame.Place.Y, frame.Place.Width, frame.Place.Height, frame.Left, frame.Top));
        Write(name + ".txt", lines.ToString());
        foreach (PivotPlace place in Enum.GetValues(typeof(PivotPlace)))
        {
            var slices = Slices.Of(sheet, place, set.Ground());
            Write(name + "." + place + ".txt", string.Join("\n", slices.Select(s => string.Format(
                CultureInfo.InvariantCulture, "{0} {1} {2} {3} {4} {5} {6:R} {7:R}", s.Name, s.Id, s.X, s.Y, s.Width, s.Height, s.PivotX, s.PivotY))));
        }
    }

    static void WriteClips(FrameSet set)
    {
        var lines = ClipPlan.Of(set).Select(clip => string.Join(" ", new[] { clip.Name, clip.Loop ? "loop" : "once", clip.Fingerprint }
            .Concat(clip.Sprites.Select((sprite, i) => string.Format(CultureInfo.InvariantCulture, "{0}@{1:R}", sprite, clip.Time(i))))));
        Write("clips.txt", string.Join("\n", lines));
    }

    static void WriteController(FrameSet set)
    {
        var sides = set.Animations.Select(a => new AnimationSides(a.Id, set.Of(a.Id).Select(f => f.Direction).Distinct().ToList(), a.Loop));
        var plan = ControllerPlan.Of(sides);
        var lines = new List<string> { "default " + plan.Default };
        lines.AddRange(plan.States.Select(s => "state " + s.Name + " " + (s.Loop ? "loop" : "once") + " " + string.Join(" ", s.Clips)));
        lines.AddRange(plan.Transitions.Select(t => "transition " + t.From + " " + t.To + (t.Above ? " > " : " < ") + t.Threshold.ToString(CultureInfo.InvariantCulture)));
        Write("controller.txt", string.Join("\n", lines));
    }

    /// A texture in which one sprite was renamed by hand, one has an id of Unity's own, and one is gone.
    static string Ids(FrameSet set)
    {
        var slices = Slices.Of(PackedLayout.LayOut(set), PivotPlace.Feet, set.Ground());
        var known = new[]
        {
            new KeyValuePair<string, string>(slices[0].Name, new string('a', 32)),
            new KeyValuePair<string, string>("mine", slices[1].Id),
            new KeyValuePair<string, string>("gone_down_0", new string('b', 32)),
            new KeyValuePair<string, string>("twice", new string('b', 32)),
            new KeyValuePair<string, string>(slices[0].Name, new string('c', 32)),
        };
        var ids = SliceIds.Keep(slices, known);
        var again = SliceIds.Keep(slices, ids);
        return string.Join("\n", ids.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Key + " " + p.Value + " " + again[p.Key]));
    }

    static string Record()
    {
        var record = SaveRecord.Parse("");
        record.Set("guard 7.png", SaveRecord.Fingerprint(new byte[] { 1, 2, 3 }));
        record.Set("walk_down=", "00ff");
        var again = SaveRecord.Parse(record.ToString());
        return string.Join("\n", record, again,
            again.IsEdited("guard 7.png", SaveRecord.Fingerprint(new byte[] { 1, 2, 3 })),
            again.IsEdited("guard 7.png", SaveRecord.Fingerprint(new byte[] { 1, 2, 4 })),
            again.IsEdited("walk_down=", "00ff"), again.IsEdited("new.png", "00ff"), SaveRecord.Parse("something else = 3").Count);
    }

    static string Refused(FrameSet set)
    {
        var errors = new List<string>();
        Action<string, Action> refuses = (what, act) =>
        {
            try
            {
                act();
                errors.Add(what + ": was not refused");
            }
            catch (VcgException error)
            {
                errors.Add(what + ": " + error.Message + "; " + error.Hint);
            }
            catch (ArgumentException error)
            {
                errors.Add(what + ": " + error.Message.Split('\n')[0]);
            }
        };
        refuses("no frames", () => RowsLayout.LayOut(new FrameSet()));
        refuses("no frames, packed", () => PackedLayout.LayOut(new FrameSet()));
        refuses("padding", () => PackedLayout.LayOut(set, 65));
        refuses("size", () => new Frame("walk", "down", 0, 3, 3, new byte[8]));
        refuses("twice", () => set.Add(set.Animations[0], new Frame[0]));
        refuses("palette", () => Pixels.Colour(new byte[1], new byte[768]));
        var wide = new FrameSet();
        wide.Add(new AnimationTiming("walk", 8, true), new[] { new Frame("walk", "down", 3000, 64, 64, new byte[64 * 64]) });
        refuses("edge", () => RowsLayout.LayOut(wide));
        return string.Join("\n", errors);
    }

    static void Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(folder, name), text);
    }

    static void Write(string name, byte[] data)
    {
        File.WriteAllBytes(Path.Combine(folder, name), data);
    }
}
