using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>An animation clip to be: one animation seen from one side.</summary>
    public sealed class ClipPlan
    {
        /// <summary>`walk_down`: what game code plays.</summary>
        public string Name { get; }

        /// <summary>Id of the animation.</summary>
        public string Animation { get; }

        /// <summary>"up", "left", "down" or "right".</summary>
        public string Direction { get; }

        /// <summary>Frames a second.</summary>
        public float Fps { get; }

        /// <summary>It repeats.</summary>
        public bool Loop { get; }

        /// <summary>The sprite that each frame shows, in order.</summary>
        public IReadOnlyList<string> Sprites { get; }

        /// <summary>A plan.</summary>
        public ClipPlan(string animation, string direction, float fps, bool loop, IReadOnlyList<string> sprites)
        {
            Name = animation + "_" + direction;
            Animation = animation;
            Direction = direction;
            Fps = fps;
            Loop = loop;
            Sprites = sprites;
        }

        /// <summary>Seconds from the clip's start at which frame i is shown.</summary>
        public float Time(int i)
        {
            return i / Fps;
        }

        /// <summary>Names what the clip says, so that a clip somebody has edited is told from one that was only written.</summary>
        public string Fingerprint
        {
            get { return FingerprintOf(Fps, Loop, Enumerable.Range(0, Sprites.Count).Select(Time), Sprites); }
        }

        /// <summary>The fingerprint of a clip as it is. Times are rounded to a ten-thousandth of a second, since engines
        /// keep them in single precision.</summary>
        public static string FingerprintOf(float fps, bool loop, IEnumerable<float> times, IEnumerable<string> sprites)
        {
            var text = new StringBuilder();
            text.Append(fps.ToString("F3", CultureInfo.InvariantCulture)).Append(loop ? " loop" : " once");
            foreach (var time in times)
                text.Append(' ').Append(time.ToString("F4", CultureInfo.InvariantCulture));
            foreach (var sprite in sprites)
                text.Append(' ').Append(sprite);
            using (var sha = SHA256.Create())
                return Hex.Of(sha.ComputeHash(Encoding.UTF8.GetBytes(text.ToString())), 8);
        }

        /// <summary>The clips of a character: for each animation one for each direction, in order.</summary>
        public static List<ClipPlan> Of(FrameSet set)
        {
            var plans = new List<ClipPlan>();
            foreach (var timing in set.Animations)
                foreach (var side in set.Of(timing.Id).GroupBy(frame => frame.Direction))
                    plans.Add(new ClipPlan(timing.Id, side.Key, timing.Fps, timing.Loop, side.Select(frame => frame.Name).ToList()));
            return plans;
        }
    }
}
