using System;

namespace Vcg.Bridge.Local
{
    /// <summary>A convolution of stride 1 with an odd square kernel that keeps the size of the picture, for one picture.</summary>
    internal abstract class Convolution
    {
        protected Convolution(OnnxTensor kernel, OnnxTensor bias, int height, int width)
        {
            Outputs = kernel.Dims[0];
            Inputs = kernel.Dims[1];
            Height = height;
            Width = width;
            Bias = bias == null ? new float[Outputs] : bias.Floats;
        }

        protected int Inputs { get; }

        protected int Outputs { get; }

        protected int Height { get; }

        protected int Width { get; }

        protected float[] Bias { get; }

        /// <summary>Numbers of scratch memory that <see cref="Run"/> needs.</summary>
        public abstract int Scratch { get; }

        /// <param name="x">[inputs, height, width]</param>
        /// <param name="y">[outputs, height, width]</param>
        /// <param name="scratch">anything</param>
        public abstract void Run(double[] x, double[] y, double[] scratch);

        /// <summary>The fastest way for this kernel, whose tensors have been checked to fit.</summary>
        public static Convolution Of(OnnxTensor kernel, OnnxTensor bias, int height, int width)
        {
            return kernel.Dims[2] == 3
                ? (Convolution)new Winograd(kernel, bias, height, width)
                : new TapConvolution(kernel, bias, height, width);
        }
    }

    /// <summary>One matrix product for each tap of the kernel.</summary>
    internal sealed class TapConvolution : Convolution
    {
        readonly int size;
        readonly int rows;
        readonly int columns;
        readonly double[] weights; // [size * size, rows, columns], padded with zeros

        public TapConvolution(OnnxTensor kernel, OnnxTensor bias, int height, int width) : base(kernel, bias, height, width)
        {
            size = kernel.Dims[2];
            rows = MatrixProduct.Padded(Outputs);
            columns = MatrixProduct.Padded(Inputs);
            weights = new double[size * size * rows * columns];
            for (int o = 0; o < Outputs; o++)
                for (int c = 0; c < Inputs; c++)
                    for (int tap = 0; tap < size * size; tap++)
                        weights[(tap * rows + o) * columns + c] = kernel.Floats[(o * Inputs + c) * size * size + tap];
        }

        public override int Scratch
        {
            get { return (rows + columns) * Height * Width; }
        }

        public override void Run(double[] x, double[] y, double[] scratch)
        {
            int length = Height * Width;
            int product = columns * length; // behind the moved picture
            for (int o = 0; o < Outputs; o++)
                for (int i = o * length; i < (o + 1) * length; i++)
                    y[i] = Bias[o];
            Array.Clear(scratch, Inputs * length, (columns - Inputs) * length);
            for (int tap = 0; tap < size * size; tap++)
            {
                Move(x, scratch, tap / size - size / 2, tap % size - size / 2);
                MatrixProduct.Run(
                    weights, tap * rows * columns, scratch, 0, scratch, product, rows, columns, length);
                for (int i = 0; i < Outputs * length; i++)
                    y[i] += scratch[product + i];
            }
        }

        /// <summary>The picture as one tap sees it: moved, zeros where it ends.</summary>
        void Move(double[] x, double[] moved, int down, int right)
        {
            int start = Math.Max(0, -right);
            int count = Math.Max(0, Width - Math.Abs(right));
            for (int c = 0; c < Inputs; c++)
            {
                for (int row = 0; row < Height; row++)
                {
                    int to = (c * Height + row) * Width;
                    int from = row + down;
                    if (count < Width || from < 0 || from >= Height)
                        Array.Clear(moved, to, Width);
                    if (from >= 0 && from < Height && count > 0)
                        Array.Copy(x, (c * Height + from) * Width + start + right, moved, to + start, count);
                }
            }
        }
    }

    /// <summary>
    /// Kernels of 3 x 3 by Winograd's F(2x2, 3x3) (Lavin and Gray, "Fast algorithms for convolutional neural networks",
    /// 2016): 16 products for four pixels where the plain way takes 36.
    /// </summary>
    /// <remarks>Its rounding errors are a few times those of the plain way, which in double precision is nothing: 1e-15 of
    /// what the tie rule asks for 1e-9 of.</remarks>
    internal sealed class Winograd : Convolution
    {
        const int Points = 16;

        /// <summary>Tiles that are worked on at once, so that the scratch memory stays in the processor's cache.</summary>
        const int Most = 64;

        readonly int rows;
        readonly int columns;
        readonly int across;
        readonly int tiles;
        readonly double[] weights; // [16, rows, columns], padded with zeros

        public Winograd(OnnxTensor kernel, OnnxTensor bias, int height, int width) : base(kernel, bias, height, width)
        {
            rows = MatrixProduct.Padded(Outputs);
            columns = MatrixProduct.Padded(Inputs);
            across = (width + 1) / 2;
            tiles = across * ((height + 1) / 2);
            weights = new double[Points * rows * columns];
            var half = new double[12];
            for (int o = 0; o < Outputs; o++)
            {
                for (int c = 0; c < Inputs; c++)
                {
                    int at = (o * Inputs + c) * 9;
                    for (int i = 0; i < 3; i++)
                        Spread(
                            kernel.Floats[at + i], kernel.Floats[at + 3 + i], kernel.Floats[at + 6 + i], half, i, 3);
                    for (int i = 0; i < 4; i++)
                        Spread(
                            half[i * 3], half[i * 3 + 1], half[i * 3 + 2], weights,
                            i * 4 * rows * columns + o * columns + c, rows * columns);
                }
            }
        }

        /// <summary>Three taps to four points.</summary>
        static void Spread(double first, double second, double third, double[] to, int at, int step)
        {
            to[at] = first;
            to[at + step] = (first + second + third) / 2;
            to[at + step * 2] = (first - second + third) / 2;
            to[at + step * 3] = third;
        }

        int Chunk
        {
            get { return Math.Min(Most, tiles); }
        }

        public override int Scratch
        {
            get { return Points * (rows + columns) * Chunk; }
        }

        public override void Run(double[] x, double[] y, double[] scratch)
        {
            for (int first = 0; first < tiles; first += Chunk)
            {
                int count = Math.Min(Chunk, tiles - first);
                int product = Points * columns * count; // behind the points
                ToPoints(x, scratch, first, count);
                for (int point = 0; point < Points; point++)
                    MatrixProduct.Run(
                        weights, point * rows * columns, scratch, point * columns * count, scratch,
                        product + point * rows * count, rows, columns, count);
                FromPoints(scratch, product, y, first, count);
            }
        }

        /// <summary>Squares of 4 x 4 pixels, two apart, to points [16, columns, count].</summary>
        void ToPoints(double[] x, double[] points, int first, int count)
        {
            int step = columns * count;
            for (int point = 0; columns > Inputs && point < Points; point++)
                Array.Clear(points, point * step + Inputs * count, (columns - Inputs) * count);
            for (int c = 0; c < Inputs; c++)
            {
                int plane = c * Height * Width;
                for (int i = 0; i < count; i++)
                {
                    int top = (first + i) / across * 2 - 1;
                    int left = (first + i) % across * 2 - 1;
                    int at = c * count + i;
                    double a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3;
                    if (top >= 0 && left >= 0 && top + 4 <= Height && left + 4 <= Width)
                    {
                        int p = plane + top * Width + left;
                        a0 = x[p];
                        a1 = x[p + 1];
                        a2 = x[p + 2];
                        a3 = x[p + 3];
                        p += Width;
                        b0 = x[p];
                        b1 = x[p + 1];
                        b2 = x[p + 2];
                        b3 = x[p + 3];
                        p += Width;
                        c0 = x[p];
                        c1 = x[p + 1];
                        c2 = x[p + 2];
                        c3 = x[p + 3];
                        p += Width;
                        d0 = x[p];
                        d1 = x[p + 1];
                        d2 = x[p + 2];
                        d3 = x[p + 3];
                    }
                    else
                    {
                        a0 = Pixel(x, plane, top, left);
                        a1 = Pixel(x, plane, top, left + 1);
                        a2 = Pixel(x, plane, top, left + 2);
                        a3 = Pixel(x, plane, top, left + 3);
                        b0 = Pixel(x, plane, top + 1, left);
                        b1 = Pixel(x, plane, top + 1, left + 1);
                        b2 = Pixel(x, plane, top + 1, left + 2);
                        b3 = Pixel(x, plane, top + 1, left + 3);
                        c0 = Pixel(x, plane, top + 2, left);
                        c1 = Pixel(x, plane, top + 2, left + 1);
                        c2 = Pixel(x, plane, top + 2, left + 2);
                        c3 = Pixel(x, plane, top + 2, left + 3);
                        d0 = Pixel(x, plane, top + 3, left);
                        d1 = Pixel(x, plane, top + 3, left + 1);
                        d2 = Pixel(x, plane, top + 3, left + 2);
                        d3 = Pixel(x, plane, top + 3, left + 3);
                    }
                    PutRow(points, at, step, a0 - c0, a1 - c1, a2 - c2, a3 - c3);
                    PutRow(points, at + step * 4, step, b0 + c0, b1 + c1, b2 + c2, b3 + c3);
                    PutRow(points, at + step * 8, step, c0 - b0, c1 - b1, c2 - b2, c3 - b3);
                    PutRow(points, at + step * 12, step, b0 - d0, b1 - d1, b2 - d2, b3 - d3);
                }
            }
        }

        static void PutRow(double[] points, int at, int step, double a, double b, double c, double d)
        {
            points[at] = a - c;
            points[at + step] = b + c;
            points[at + step * 2] = c - b;
            points[at + step * 3] = b - d;
        }

        double Pixel(double[] x, int plane, int row, int column)
        {
            return row < 0 || column < 0 || row >= Height || column >= Width ? 0 : x[plane + row * Width + column];
        }

        /// <summary>Points [16, rows, count] to pixels.</summary>
        void FromPoints(double[] points, int start, double[] y, int first, int count)
        {
            int step = rows * count;
            for (int o = 0; o < Outputs; o++)
            {
                int plane = o * Height * Width;
                double bias = Bias[o];
                for (int i = 0; i < count; i++)
                {
                    int at = start + o * count + i;
                    double p0 = points[at], p1 = points[at + step], p2 = points[at + step * 2], p3 = points[at + step * 3];
                    at += step * 4;
                    double q0 = points[at], q1 = points[at + step], q2 = points[at + step * 2], q3 = points[at + step * 3];
                    at += step * 4;
                    double r0 = points[at], r1 = points[at + step], r2 = points[at + step * 2], r3 = points[at + step * 3];
                    at += step * 4;
                    double s0 = points[at], s1 = points[at + step], s2 = points[at + step * 2], s3 = points[at + step * 3];
                    double u0 = p0 + q0 + r0, u1 = p1 + q1 + r1, u2 = p2 + q2 + r2, u3 = p3 + q3 + r3;
                    double v0 = q0 - r0 - s0, v1 = q1 - r1 - s1, v2 = q2 - r2 - s2, v3 = q3 - r3 - s3;
                    int row = (first + i) / across * 2;
                    int column = (first + i) % across * 2;
                    int to = plane + row * Width + column;
                    bool right = column + 1 < Width;
                    y[to] = u0 + u1 + u2 + bias;
                    if (right)
                        y[to + 1] = u1 - u2 - u3 + bias;
                    if (row + 1 < Height)
                    {
                        y[to + Width] = v0 + v1 + v2 + bias;
                        if (right)
                            y[to + Width + 1] = v1 - v2 - v3 + bias;
                    }
                }
            }
        }
    }
}
