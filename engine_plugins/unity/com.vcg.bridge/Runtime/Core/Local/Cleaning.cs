namespace Vcg.Bridge.Local
{
    /// <summary>
    /// Takes single wrong pixels out of a drawn view, and never touches one that an artist drew: the rules of
    /// vcg_bridge/sprites/clean.py. Works on the view before it is mirrored, which gives the same.
    /// </summary>
    internal static class Cleaning
    {
        /// <summary>The classes without specks and pinholes; the same array where there are none.</summary>
        /// <param name="part">says which pixels are spared; without that a rule is not applied</param>
        /// <param name="view">number of the view</param>
        /// <param name="classes">[height, width] of the part's network</param>
        public static byte[] Clean(BundlePart part, int view, byte[] classes)
        {
            if (part.Specks == null && part.Pinholes == null)
                return classes;
            int width = part.Network.Width;
            int height = part.Network.Height;
            byte[] result = classes;
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    int at = y * width + x;
                    int replaced;
                    if (classes[at] != 0)
                    {
                        if (part.Specks == null || !IsSpeck(classes, width, height, x, y) || part.Specks.Has(view, at))
                            continue;
                        replaced = 0;
                    }
                    else
                    {
                        bool hole = part.Pinholes != null && Touching(classes, width, height, x, y) == 8;
                        if (!hole || part.Pinholes.Has(view, at))
                            continue;
                        replaced = MostFrequent(classes, width, at);
                    }
                    if (result == classes)
                        result = (byte[])classes.Clone();
                    result[at] = (byte)replaced;
                }
            }
            return result;
        }

        static bool Opaque(byte[] classes, int width, int height, int x, int y)
        {
            return x >= 0 && y >= 0 && x < width && y < height && classes[y * width + x] != 0;
        }

        /// <summary>Opaque ones of the eight neighbours.</summary>
        static int Touching(byte[] classes, int width, int height, int x, int y)
        {
            int count = 0;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++)
                    if ((dx != 0 || dy != 0) && Opaque(classes, width, height, x + dx, y + dy))
                        count++;
            return count;
        }

        /// <summary>One or two opaque pixels that touch nothing else, not even diagonally.</summary>
        static bool IsSpeck(byte[] classes, int width, int height, int x, int y)
        {
            int touching = Touching(classes, width, height, x, y);
            if (touching > 1)
                return false;
            for (int dy = -1; touching == 1 && dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++)
                    if ((dx != 0 || dy != 0) && Opaque(classes, width, height, x + dx, y + dy))
                        return Touching(classes, width, height, x + dx, y + dy) == 1;
            return true;
        }

        /// <summary>Of the eight neighbours' classes; of equally frequent ones the lowest.</summary>
        static int MostFrequent(byte[] classes, int width, int at)
        {
            int best = 0;
            int most = 0;
            for (int i = 0; i < 9; i++)
            {
                int candidate = classes[at + (i / 3 - 1) * width + i % 3 - 1];
                int count = 0;
                for (int j = 0; j < 9; j++)
                    if (j != 4 && classes[at + (j / 3 - 1) * width + j % 3 - 1] == candidate)
                        count++;
                if (i != 4 && (count > most || (count == most && candidate < best)))
                {
                    most = count;
                    best = candidate;
                }
            }
            return best;
        }
    }
}
