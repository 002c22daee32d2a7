using System;
using System.Collections.Generic;
using System.Linq;

namespace Vcg.Bridge
{
    /// <summary>The plain sheet: a block for each animation, a row for each direction, a column for each frame.
    /// Animations with larger frames come last. The same sheet as `vcg generate --layout rows` writes.</summary>
    public static class RowsLayout
    {
        /// <summary>Lay the frames out.</summary>
        public static Sheet LayOut(FrameSet set)
        {
            if (set.Frames.Count == 0)
                throw VcgException.BadRequest("there is no frame to lay out", "ask for at least one animation");
            var blocks = set.Animations.Select(timing => set.Of(timing.Id)).Where(block => block.Count > 0)
                .OrderBy(block => block[0].Height).ToList(); // OrderBy is stable
            int bottom = 0, width = 0;
            var tops = new Dictionary<string, int>();
            foreach (var block in blocks)
            {
                foreach (var direction in block.Select(frame => frame.Direction).Distinct())
                {
                    tops[block[0].Animation + "/" + direction] = bottom;
                    bottom += block[0].Height;
                }
                width = Math.Max(width, block.Max(frame => (frame.Index + 1) * frame.Width));
            }
            var placed = new List<SheetFrame>();
            foreach (var frame in set.Frames)
            {
                var place = new Box(frame.Index * frame.Width, tops[frame.Animation + "/" + frame.Direction], frame.Width, frame.Height);
                placed.Add(new SheetFrame(frame, place, 0, 0));
            }
            var sheet = new Sheet(width, bottom, placed, 0);
            foreach (var frame in placed)
                sheet.Put(frame.Frame.Slots, frame.Frame.Width, frame.Frame.Height, frame.Place.X, frame.Place.Y);
            return sheet;
        }
    }
}
