using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>Shapes of tensors: sizes, steps, broadcasting.</summary>
    internal static class Shapes
    {
        const int MaxRank = 8;

        /// <summary>The dims as ints. Throws <see cref="OnnxException"/> where the tensor would be too large.</summary>
        public static int[] Checked(IList<long> dims, string what)
        {
            if (dims.Count > MaxRank)
                throw new OnnxException(what + " has more than " + MaxRank + " dimensions");
            var result = new int[dims.Count];
            long size = 1;
            for (int i = 0; i < result.Length; i++)
            {
                if (dims[i] < 0 || dims[i] > OnnxGraph.MaxNumbers)
                    throw new OnnxException(what + " has a dimension of " + dims[i]);
                size *= dims[i];
                if (size > OnnxGraph.MaxNumbers)
                    throw new OnnxException(what + " has more than " + OnnxGraph.MaxNumbers + " numbers");
                result[i] = (int)dims[i];
            }
            return result;
        }

        public static int Size(int[] dims)
        {
            int size = 1;
            foreach (int dim in dims)
                size *= dim;
            return size;
        }

        /// <summary>Product of the dims from..to-1.</summary>
        public static int Size(int[] dims, int from, int to)
        {
            int size = 1;
            for (int i = from; i < to; i++)
                size *= dims[i];
            return size;
        }

        /// <summary>How far apart neighbours along each axis lie.</summary>
        public static int[] Strides(int[] dims)
        {
            var strides = new int[dims.Length];
            int step = 1;
            for (int i = dims.Length - 1; i >= 0; i--)
            {
                strides[i] = step;
                step *= dims[i];
            }
            return strides;
        }

        /// <summary>An axis as a number from 0; negative ones count from the end.</summary>
        public static int Axis(long axis, int rank)
        {
            long positive = axis < 0 ? axis + rank : axis;
            if (positive < 0 || positive >= rank)
                throw new OnnxException("the axis " + axis + " is outside a tensor of " + rank + " dimensions");
            return (int)positive;
        }

        /// <summary>The shape of a broadcast operation on two tensors.</summary>
        public static int[] Broadcast(int[] first, int[] second)
        {
            int rank = first.Length > second.Length ? first.Length : second.Length;
            var result = new int[rank];
            for (int i = 0; i < rank; i++)
            {
                int a = Dim(first, i, rank);
                int b = Dim(second, i, rank);
                if (a != b && a != 1 && b != 1)
                    throw new OnnxException("shapes do not fit: " + Text(first) + " and " + Text(second));
                result[i] = a == 1 ? b : a;
            }
            return result;
        }

        static int Dim(int[] dims, int axis, int rank)
        {
            int own = axis - (rank - dims.Length);
            return own < 0 ? 1 : dims[own];
        }

        /// <summary>For each element of a broadcast result, which element of an operand it is made of; null where it is the
        /// one of the same number.</summary>
        public static int[] BroadcastMap(int[] dims, int[] result)
        {
            if (Size(dims) == Size(result))
                return null;
            int[] own = Strides(dims);
            var strides = new int[result.Length];
            for (int i = 0; i < result.Length; i++)
            {
                int at = i - (result.Length - dims.Length);
                strides[i] = at < 0 || dims[at] == 1 ? 0 : own[at];
            }
            return Map(result, strides, 0);
        }

        /// <summary>For each element of a tensor of shape `dims`, start + the sum of its indices times `strides`.</summary>
        public static int[] Map(int[] dims, int[] strides, int start)
        {
            var map = new int[Size(dims)];
            var index = new int[dims.Length];
            int at = start;
            for (int i = 0; i < map.Length; i++)
            {
                map[i] = at;
                for (int axis = dims.Length - 1; axis >= 0; axis--)
                {
                    at += strides[axis];
                    if (++index[axis] < dims[axis])
                        break;
                    at -= strides[axis] * dims[axis];
                    index[axis] = 0;
                }
            }
            return map;
        }

        public static string Text(int[] dims)
        {
            return "[" + string.Join(", ", System.Array.ConvertAll(dims, x => x.ToString())) + "]";
        }
    }
}
