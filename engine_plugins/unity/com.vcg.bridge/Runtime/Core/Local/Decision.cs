using System;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// The tie rule (docs/adr/0001-ties.md): which class each pixel has, and whether float noise could change one. The twin of
    /// vcg_bridge/generators/exact.py. Not for several threads at once.
    /// </summary>
    internal sealed class Decision
    {
        /// <summary>Share of the largest absolute logit around a pixel; where its best two classes are closer, float32 cannot
        /// be relied upon. More than ten times the largest error that was measured.</summary>
        const double Tau = 5.5e-5;

        /// <summary>The same in double precision: classes that close count as equal.</summary>
        const double Tie = 1e-9;

        /// <summary>Pixels each way that "around" reaches.</summary>
        const int Around = 2;

        /// <summary>Whether so many numbers are neither NaN nor infinite.</summary>
        public static bool Finite(double[] numbers, int count)
        {
            for (int i = 0; i < count; i++)
                if (double.IsNaN(numbers[i]) || double.IsInfinity(numbers[i]))
                    return false;
            return true;
        }

        double[] best = new double[0];
        double[] second;
        double[] size;
        double[] scale;

        /// <summary>The class of each pixel: the largest logit wins, of equal ones the lowest class.</summary>
        /// <param name="logits">[at least `classes`, height, width]; must be finite</param>
        /// <param name="classes">only the first so many can win</param>
        /// <param name="exact">they are of double precision: those within <see cref="Tie"/> of the largest are equal</param>
        /// <param name="doubtful">float32 noise could change a pixel</param>
        public byte[] Classes(double[] logits, int classes, int height, int width, bool exact, out bool doubtful)
        {
            int count = height * width;
            if (best.Length < count)
            {
                best = new double[count];
                second = new double[count];
                size = new double[count];
                scale = new double[count];
            }
            for (int i = 0; i < count; i++)
            {
                best[i] = logits[i];
                second[i] = double.NegativeInfinity;
                size[i] = Math.Abs(logits[i]);
            }
            for (int c = 1; c < classes; c++)
            {
                int plane = c * count;
                for (int i = 0; i < count; i++)
                {
                    double value = logits[plane + i];
                    if (value > best[i])
                    {
                        second[i] = best[i];
                        best[i] = value;
                    }
                    else if (value > second[i])
                    {
                        second[i] = value;
                    }
                    double absolute = value < 0 ? -value : value;
                    if (absolute > size[i])
                        size[i] = absolute;
                }
            }
            LargestAround(height, width);
            doubtful = false;
            var chosen = new byte[count];
            for (int i = 0; i < count; i++)
            {
                doubtful |= best[i] - second[i] < Tau * scale[i];
                double edge = exact ? best[i] - Tie * scale[i] : best[i];
                int c = 0;
                while (!(logits[c * count + i] >= edge))
                    c++;
                chosen[i] = (byte)c;
            }
            return chosen;
        }

        /// <summary>The maximum of `size` over the square of <see cref="Around"/> pixels each way, to `scale`.</summary>
        void LargestAround(int height, int width)
        {
            for (int y = 0; y < height; y++)
            {
                int top = Math.Max(0, y - Around);
                int bottom = Math.Min(height - 1, y + Around);
                for (int x = 0; x < width; x++)
                {
                    double largest = 0;
                    for (int row = top; row <= bottom; row++)
                        largest = Math.Max(largest, size[row * width + x]);
                    scale[y * width + x] = largest;
                }
            }
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    double largest = 0;
                    int right = Math.Min(width - 1, x + Around);
                    for (int column = Math.Max(0, x - Around); column <= right; column++)
                        largest = Math.Max(largest, scale[y * width + column]);
                    size[y * width + x] = largest;
                }
            }
            double[] swap = size;
            size = scale;
            scale = swap;
        }
    }
}
