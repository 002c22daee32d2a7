using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>The numbers of a TensorProto, from whichever field they are in.</summary>
    internal static class TensorData
    {
        const int Single = 1;
        const int Int32 = 6;
        const int Int64 = 7;
        const int Half = 10;

        /// <summary>Puts the numbers into the tensor, whose dims are set. Throws <see cref="OnnxException"/>.</summary>
        public static void Fill(
            OnnxTensor tensor, int type, ArraySegment<byte>? raw, List<float> floats, List<long> ints)
        {
            int count = Shapes.Size(tensor.Dims);
            switch (type)
            {
                case Single:
                    tensor.Floats = raw.HasValue ? Singles(raw.Value) : floats.ToArray();
                    break;
                case Half:
                    tensor.Floats = raw.HasValue ? Halves(raw.Value) : ints.ConvertAll(x => ToSingle((ushort)x)).ToArray();
                    break;
                case Int32:
                    tensor.Ints = raw.HasValue ? Integers(raw.Value, 4) : ints.ConvertAll(x => (long)(int)x).ToArray();
                    break;
                case Int64:
                    tensor.Ints = raw.HasValue ? Integers(raw.Value, 8) : ints.ToArray();
                    break;
                default:
                    throw new OnnxException("the tensor '" + tensor.Name + "' has element type " + type
                        + ", which is not supported");
            }
            int found = tensor.Floats != null ? tensor.Floats.Length : tensor.Ints.Length;
            if (found != count)
                throw new OnnxException(
                    "the tensor '" + tensor.Name + "' has " + found + " numbers, its shape says " + count);
        }

        static float[] Singles(ArraySegment<byte> raw)
        {
            var values = new float[raw.Count / 4];
            Buffer.BlockCopy(raw.Array, raw.Offset, values, 0, values.Length * 4);
            return values;
        }

        static float[] Halves(ArraySegment<byte> raw)
        {
            var values = new float[raw.Count / 2];
            for (int i = 0; i < values.Length; i++)
                values[i] = ToSingle(BitConverter.ToUInt16(raw.Array, raw.Offset + i * 2));
            return values;
        }

        static long[] Integers(ArraySegment<byte> raw, int size)
        {
            var values = new long[raw.Count / size];
            for (int i = 0; i < values.Length; i++)
                values[i] = size == 4
                    ? BitConverter.ToInt32(raw.Array, raw.Offset + i * 4)
                    : BitConverter.ToInt64(raw.Array, raw.Offset + i * 8);
            return values;
        }

        /// <summary>A half-precision number (its bits) in single precision, which holds every one of them.</summary>
        public static float ToSingle(ushort half)
        {
            int exponent = (half >> 10) & 0x1F;
            int fraction = half & 0x3FF;
            double size;
            if (exponent == 0)
                size = fraction * Math.Pow(2, -24);
            else if (exponent < 31)
                size = (1024 + fraction) * Math.Pow(2, exponent - 25);
            else
                size = fraction == 0 ? double.PositiveInfinity : double.NaN;
            return (float)((half & 0x8000) != 0 ? -size : size);
        }
    }
}
