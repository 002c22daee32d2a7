using System;

namespace Vcg.Bridge.Local
{
    /// <summary>y = weights x for matrices, in double precision, where all the time goes.</summary>
    internal static class MatrixProduct
    {
        /// <summary>Rows and columns of weights come in blocks of so many.</summary>
        public const int Block = 4;

        /// <summary>The next multiple of <see cref="Block"/>.</summary>
        public static int Padded(int count)
        {
            return (count + Block - 1) / Block * Block;
        }

        /// <summary>y[r, i] = sum over c of weights[r, c] x[c, i].</summary>
        /// <param name="weights">[rows, columns], from weightsAt</param>
        /// <param name="x">[columns, length], from xAt</param>
        /// <param name="y">[rows, length], from yAt; what it held is lost</param>
        /// <param name="rows">a multiple of <see cref="Block"/></param>
        /// <param name="columns">a multiple of <see cref="Block"/></param>
        /// <param name="length">of a row of x and y</param>
        /// <remarks>Four rows and four columns at once: each number that is loaded is used four times.</remarks>
        public static void Run(
            double[] weights, int weightsAt, double[] x, int xAt, double[] y, int yAt, int rows, int columns, int length)
        {
            Array.Clear(y, yAt, rows * length);
            for (int row = 0; row < rows; row += Block)
            {
                int y0 = yAt + row * length;
                int y1 = y0 + length;
                int y2 = y1 + length;
                int y3 = y2 + length;
                for (int column = 0; column < columns; column += Block)
                {
                    int w = weightsAt + row * columns + column;
                    double a0 = weights[w], a1 = weights[w + 1], a2 = weights[w + 2], a3 = weights[w + 3];
                    w += columns;
                    double b0 = weights[w], b1 = weights[w + 1], b2 = weights[w + 2], b3 = weights[w + 3];
                    w += columns;
                    double c0 = weights[w], c1 = weights[w + 1], c2 = weights[w + 2], c3 = weights[w + 3];
                    w += columns;
                    double d0 = weights[w], d1 = weights[w + 1], d2 = weights[w + 2], d3 = weights[w + 3];
                    int x0 = xAt + column * length;
                    int x1 = x0 + length;
                    int x2 = x1 + length;
                    int x3 = x2 + length;
                    for (int i = 0; i < length; i++)
                    {
                        double p = x[x0 + i];
                        double q = x[x1 + i];
                        double r = x[x2 + i];
                        double s = x[x3 + i];
                        y[y0 + i] += (a0 * p + a1 * q) + (a2 * r + a3 * s);
                        y[y1 + i] += (b0 * p + b1 * q) + (b2 * r + b3 * s);
                        y[y2 + i] += (c0 * p + c1 * q) + (c2 * r + c3 * s);
                        y[y3 + i] += (d0 * p + d1 * q) + (d2 * r + d3 * s);
                    }
                }
            }
        }
    }
}
