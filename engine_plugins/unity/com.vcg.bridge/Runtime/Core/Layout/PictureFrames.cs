using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Pictures that a server sent, cut into whole frames.</summary>
    public static class PictureFrames
    {
        /// <summary>The frames of a picture: of a preview one, of an animation or a sheet all.</summary>
        /// <exception cref="VcgException">"bad_request": it is not of palette slots; "protocol": a strip lies outside of it</exception>
        public static FrameSet Of(Picture picture)
        {
            var set = new FrameSet();
            AddTo(set, picture);
            return set;
        }

        /// <summary>The frames of all animations of a character, in the order in which they came.</summary>
        /// <exception cref="VcgException">likewise</exception>
        public static FrameSet Of(GeneratedCharacter character)
        {
            var set = new FrameSet();
            foreach (var picture in character.Pictures)
                if (picture.Kind == "animation" || picture.Kind == "sheet")
                    AddTo(set, picture);
            return set;
        }

        static void AddTo(FrameSet set, Picture picture)
        {
            if (picture.Format != "r8")
                throw VcgException.BadRequest("a " + picture.Format + " picture has no palette slots", "ask for output.format \"r8\"");
            foreach (var strip in picture.Strips)
            {
                var places = strip.Places(picture.Width, picture.Height);
                var frames = new List<Frame>(places.Length);
                for (var i = 0; i < places.Length; i++)
                    frames.Add(new Frame(
                        strip.Animation, strip.Directions[i / strip.Frames], i % strip.Frames, strip.FrameWidth, strip.FrameHeight,
                        Cut(picture, strip, places[i])));
                set.Add(new AnimationTiming(strip.Animation, strip.Fps, strip.Loop), frames);
            }
        }

        static byte[] Cut(Picture picture, Strip strip, FramePlace place)
        {
            var slots = new byte[strip.FrameWidth * strip.FrameHeight];
            for (var row = 0; row < place.Height; row++)
                Buffer.BlockCopy(
                    picture.Data, (place.Y + row) * picture.Width + place.X, slots, (place.Top + row) * strip.FrameWidth + place.Left, place.Width);
            return slots;
        }
    }
}
