using System;

namespace Vcg.Bridge
{
    /// <summary>Work on pictures of palette slots.</summary>
    public static class Pixels
    {
        /// <summary>Bytes of a palette: 256 x RGBA.</summary>
        public const int PaletteBytes = 1024;

        /// <summary>Slots to colours: four bytes of R, G, B, A for each. Slot 0 is transparent black whatever the
        /// palette says.</summary>
        public static byte[] Colour(byte[] slots, byte[] palette)
        {
            if (palette.Length != PaletteBytes)
                throw new ArgumentException("a palette has " + PaletteBytes + " bytes, not " + palette.Length, "palette");
            var colours = new byte[slots.Length * 4];
            for (var i = 0; i < slots.Length; i++)
                if (slots[i] != 0)
                    Buffer.BlockCopy(palette, slots[i] * 4, colours, i * 4, 4);
            return colours;
        }

        /// <summary>The rows of a picture from the bottom up, as Unity's textures have them.</summary>
        /// <param name="picture">Rows from the top down.</param>
        /// <param name="rowBytes">Bytes of a row.</param>
        public static byte[] Flip(byte[] picture, int rowBytes)
        {
            var flipped = new byte[picture.Length];
            var rows = picture.Length / rowBytes;
            for (var row = 0; row < rows; row++)
                Buffer.BlockCopy(picture, row * rowBytes, flipped, (rows - 1 - row) * rowBytes, rowBytes);
            return flipped;
        }
    }
}
