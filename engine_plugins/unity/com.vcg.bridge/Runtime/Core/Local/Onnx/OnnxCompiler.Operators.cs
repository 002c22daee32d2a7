using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>The operators, one method each.</summary>
    internal sealed partial class OnnxCompiler
    {
        OnnxException Fault(string problem)
        {
            return new OnnxException("the operator " + node.Operator + ": " + problem);
        }

        Value Input(int index)
        {
            Value value;
            string name = index < node.Inputs.Count ? node.Inputs[index] : "";
            if (name.Length == 0)
                throw Fault("lacks an input");
            if (!values.TryGetValue(name, out value))
                throw Fault("uses '" + name + "' before anything makes it");
            return value;
        }

        bool HasInput(int index)
        {
            return index < node.Inputs.Count && node.Inputs[index].Length > 0;
        }

        string Output
        {
            get
            {
                if (node.Outputs.Count != 1)
                    throw Fault("makes " + node.Outputs.Count + " values, not one");
                return node.Outputs[0];
            }
        }

        /// <summary>Integers that must be known beforehand: shapes, axes.</summary>
        long[] Integers(int index)
        {
            Value value = Input(index);
            if (value.Constant == null || value.Constant.Ints == null)
                throw Fault("input " + index + " must be constant integers");
            return value.Constant.Ints;
        }

        OnnxTensor Weights(int index)
        {
            Value value = Input(index);
            if (value.Constant == null || value.Constant.Floats == null)
                throw Fault("input " + index + " must be constant numbers");
            return value.Constant;
        }

        Value Made(int index)
        {
            Value value = Input(index);
            if (value.Constant != null)
                throw Fault("works on a constant, which is not supported");
            return value;
        }

        static double[] Doubles(OnnxTensor constant)
        {
            return constant.Floats != null
                ? Array.ConvertAll(constant.Floats, x => (double)x)
                : Array.ConvertAll(constant.Ints, x => (double)x);
        }

        void Add()
        {
            switch (node.Operator)
            {
                case "Constant":
                    AddConstant();
                    break;
                case "Cast":
                    AddCast();
                    break;
                case "Identity":
                    Alias(Output, Input(0), Input(0).Dims);
                    break;
                case "Add":
                    AddPair('+');
                    break;
                case "Sub":
                    AddPair('-');
                    break;
                case "Mul":
                    AddPair('*');
                    break;
                case "LeakyRelu":
                    AddPoints(new PointStep { Slope = node.Float("alpha", 0.01f) });
                    break;
                case "Clip":
                    AddPoints(new PointStep
                    {
                        Low = HasInput(1) ? Doubles(Weights(1))[0] : double.NegativeInfinity,
                        High = HasInput(2) ? Doubles(Weights(2))[0] : double.PositiveInfinity,
                    });
                    break;
                case "Concat":
                    AddConcat();
                    break;
                case "Conv":
                    AddConvolution();
                    break;
                case "DepthToSpace":
                    AddDepthToSpace();
                    break;
                case "Gather":
                    AddGather();
                    break;
                case "Gemm":
                    AddGemm();
                    break;
                case "MatMul":
                    AddLinear(Weights(1), false, null, 1, 1);
                    break;
                case "Reshape":
                    AddReshape();
                    break;
                case "Slice":
                    AddSlice();
                    break;
                case "Split":
                    AddSplit();
                    break;
                case "Squeeze":
                    AddSqueeze();
                    break;
                case "Transpose":
                    AddTranspose();
                    break;
                case "Unsqueeze":
                    AddUnsqueeze();
                    break;
                default:
                    throw new OnnxException("VCG Bridge does not draw with the operator '" + node.Operator + "'");
            }
        }

        void AddConstant()
        {
            OnnxAttribute attribute;
            OnnxTensor tensor;
            if (node.Attributes.TryGetValue("value", out attribute) && attribute.Tensor != null)
                tensor = attribute.Tensor;
            else if (node.Attributes.TryGetValue("value_int", out attribute))
                tensor = new OnnxTensor { Dims = new int[0], Ints = new[] { attribute.Int } };
            else if (node.Attributes.TryGetValue("value_ints", out attribute))
                tensor = new OnnxTensor { Dims = new[] { attribute.Ints.Count }, Ints = attribute.Ints.ToArray() };
            else if (node.Attributes.TryGetValue("value_float", out attribute))
                tensor = new OnnxTensor { Dims = new int[0], Floats = new[] { attribute.Float } };
            else if (node.Attributes.TryGetValue("value_floats", out attribute))
                tensor = new OnnxTensor { Dims = new[] { attribute.Floats.Count }, Floats = attribute.Floats.ToArray() };
            else
                throw Fault("has no value that is supported");
            values[Output] = new Value { Constant = tensor, Dims = tensor.Dims };
        }

        void AddCast()
        {
            const int single = 1, int32 = 6, int64 = 7, half = 10, twice = 11;
            Value value = Input(0);
            long to = node.Int("to", 0);
            bool real = to == single || to == half || to == twice;
            if (!real && to != int32 && to != int64)
                throw Fault("to element type " + to + " is not supported");
            bool wasReal = value.Constant != null ? value.Constant.Floats != null : value.Buffer != 1;
            if (wasReal && !real)
                throw Fault("from numbers to integers is not supported");
            Alias(Output, value, value.Dims);
            if (value.Constant != null && real && !wasReal)
                values[Output].Constant.Floats = Array.ConvertAll(value.Constant.Ints, x => (float)x);
        }

        void AddPair(char operation)
        {
            Value a = Input(0);
            Value b = Input(1);
            if (a.Constant != null && b.Constant != null)
                throw Fault("works on constants alone, which is not supported");
            int[] dims = Shapes.Broadcast(a.Dims, b.Dims);
            Shapes.Checked(Array.ConvertAll(dims, x => (long)x), "'" + Output + "'");
            var step = new PairStep
            {
                Operation = operation,
                Count = Shapes.Size(dims),
                First = a.Constant == null ? a.Buffer : -1,
                Second = b.Constant == null ? b.Buffer : -1,
                FirstConstant = a.Constant == null ? null : Doubles(a.Constant),
                SecondConstant = b.Constant == null ? null : Doubles(b.Constant),
                FirstMap = Shapes.BroadcastMap(a.Dims, dims),
                SecondMap = Shapes.BroadcastMap(b.Dims, dims),
            };
            Emit(step, Output, dims, a, b);
        }

        void AddPoints(PointStep step)
        {
            Value value = Made(0);
            step.From = value.Buffer;
            step.Count = Shapes.Size(value.Dims);
            Emit(step, Output, value.Dims, value);
        }

        void AddConcat()
        {
            var parts = new Value[node.Inputs.Count];
            for (int i = 0; i < parts.Length; i++)
                parts[i] = Input(i);
            if (parts.Length == 0)
                throw Fault("lacks an input");
            var dims = (int[])parts[0].Dims.Clone();
            int axis = Shapes.Axis(node.Int("axis", 0), dims.Length);
            long along = 0;
            foreach (Value part in parts)
            {
                for (int i = 0; i < dims.Length; i++)
                    if (part.Dims.Length != dims.Length || (i != axis && part.Dims[i] != dims[i]))
                        throw Fault("shapes do not fit: " + Shapes.Text(dims) + " and " + Shapes.Text(part.Dims));
                along += part.Dims[axis];
            }
            dims[axis] = (int)Math.Min(along, int.MaxValue);
            var step = new ConcatStep
            {
                From = Array.ConvertAll(parts, x => x.Buffer),
                Constants = Array.ConvertAll(parts, x => x.Constant == null ? null : Doubles(x.Constant)),
                Lengths = Array.ConvertAll(parts, x => Shapes.Size(x.Dims, axis, x.Dims.Length)),
                Rounds = Shapes.Size(dims, 0, axis),
            };
            Emit(step, Output, dims, parts);
        }

        void AddConvolution()
        {
            Value value = Made(0);
            OnnxTensor kernel = Weights(1);
            OnnxTensor bias = HasInput(2) ? Weights(2) : null;
            int[] dims = value.Dims;
            if (dims.Length != 4 || kernel.Dims.Length != 4 || kernel.Dims[1] != dims[1])
                throw Fault(
                    "shapes do not fit: " + Shapes.Text(dims) + " and kernel " + Shapes.Text(kernel.Dims));
            if (bias != null && bias.Floats.Length != kernel.Dims[0])
                throw Fault("has " + bias.Floats.Length + " biases for " + kernel.Dims[0] + " outputs");
            int size = kernel.Dims[2];
            bool plain = Array.TrueForAll(node.Ints("strides"), x => x == 1)
                && Array.TrueForAll(node.Ints("dilations"), x => x == 1)
                && node.Int("group", 1) == 1 && node.Text("auto_pad", "NOTSET") == "NOTSET";
            long[] pads = node.Ints("pads", 0, 0, 0, 0);
            bool keeps = kernel.Dims[3] == size && size % 2 == 1 && pads.Length == 4
                && Array.TrueForAll(pads, x => x == size / 2);
            if (!plain || !keeps)
                throw Fault("only convolutions of stride 1 that keep the size are supported");
            var result = new[] { 1, kernel.Dims[0], dims[2], dims[3] };
            Shapes.Checked(Array.ConvertAll(result, x => (long)x), "'" + Output + "'");
            var step = new ConvolutionStep
            {
                From = value.Buffer,
                Convolution = Convolution.Of(kernel, bias, dims[2], dims[3]),
            };
            Emit(step, Output, result, value);
        }

        void AddDepthToSpace()
        {
            Value value = Made(0);
            int[] dims = value.Dims;
            long block = node.Int("blocksize", 0);
            if (dims.Length != 4 || block < 1 || block > dims[1] || dims[1] % (block * block) != 0)
                throw Fault("blocks of " + block + " do not fit " + Shapes.Text(dims));
            int b = (int)block;
            int channels = dims[1] / (b * b);
            int picture = dims[2] * dims[3];
            bool depthLast = node.Text("mode", "DCR") == "CRD";
            int channel = depthLast ? b * b * picture : picture;
            int inner = depthLast ? picture : channels * picture; // to the next column of the block
            // Seen as [channels, height, block, width, block], row by row, this is the result.
            int[] shape = { channels, dims[2], b, dims[3], b };
            int[] strides = { channel, dims[3], b * inner, 1, inner };
            Emit(
                new MapStep { From = value.Buffer, Map = Shapes.Map(shape, strides, 0) }, Output,
                new[] { 1, channels, dims[2] * b, dims[3] * b }, value);
        }

        void AddGather()
        {
            OnnxTensor table = Weights(0);
            Value indices = Made(1);
            if (table.Dims.Length < 1 || table.Dims[0] < 1 || node.Int("axis", 0) != 0)
                throw Fault("only rows of a table are gathered");
            var dims = new List<int>(indices.Dims);
            for (int i = 1; i < table.Dims.Length; i++)
                dims.Add(table.Dims[i]);
            Emit(
                new GatherStep { From = indices.Buffer, Count = Shapes.Size(indices.Dims), Table = table },
                Output, dims.ToArray(), indices);
        }

        void AddGemm()
        {
            if (node.Int("transA", 0) != 0)
                throw Fault("transA is not supported");
            AddLinear(
                Weights(1), node.Int("transB", 0) != 0, HasInput(2) ? Weights(2) : null, node.Float("alpha", 1),
                node.Float("beta", 1));
        }

        void AddLinear(OnnxTensor weights, bool transposed, OnnxTensor bias, double factor, double biasFactor)
        {
            Value value = Made(0);
            if (weights.Dims.Length != 2 || value.Dims.Length != 2)
                throw Fault("only a row times a matrix is supported");
            int inputs = weights.Dims[transposed ? 1 : 0];
            int outputs = weights.Dims[transposed ? 0 : 1];
            if (value.Dims[0] != 1 || value.Dims[1] != inputs)
                throw Fault("shapes do not fit: " + Shapes.Text(value.Dims) + " and " + Shapes.Text(weights.Dims));
            if (bias != null && bias.Floats.Length != outputs)
                throw Fault("has " + bias.Floats.Length + " biases for " + outputs + " outputs");
            float[] rows = weights.Floats;
            if (!transposed)
            {
                rows = new float[outputs * inputs];
                for (int o = 0; o < outputs; o++)
                    for (int i = 0; i < inputs; i++)
                        rows[o * inputs + i] = weights.Floats[i * outputs + o];
            }
            var step = new LinearStep
            {
                From = value.Buffer,
                Weights = rows,
                Bias = bias == null ? null : bias.Floats,
                Inputs = inputs,
                Outputs = outputs,
                Factor = factor,
                BiasFactor = biasFactor,
            };
            Emit(step, Output, new[] { 1, outputs }, value);
        }

        void AddReshape()
        {
            Value value = Input(0);
            long[] wanted = Integers(1);
            var dims = new long[wanted.Length];
            long known = 1;
            int open = -1;
            for (int i = 0; i < dims.Length; i++)
            {
                dims[i] = wanted[i];
                if (dims[i] == 0 && node.Int("allowzero", 0) == 0)
                    dims[i] = i < value.Dims.Length ? value.Dims[i] : 0;
                if (dims[i] == -1 && open < 0)
                    open = i;
                else if (dims[i] < 1 || (known *= dims[i]) > OnnxGraph.MaxNumbers)
                    throw Fault(Shapes.Text(value.Dims) + " cannot become a tensor with a dimension of " + dims[i]);
            }
            if (open >= 0)
                dims[open] = Shapes.Size(value.Dims) / known;
            Alias(Output, value, Shapes.Checked(dims, "'" + Output + "'"));
        }

        void AddSlice()
        {
            Value value = Made(0);
            long[] starts = Integers(1);
            long[] ends = Integers(2);
            long[] axes = HasInput(3) ? Integers(3) : null;
            long[] by = HasInput(4) ? Integers(4) : null;
            if (ends.Length != starts.Length || (axes ?? starts).Length != starts.Length || (by ?? starts).Length != starts.Length)
                throw Fault("starts, ends, axes and steps differ in length");
            var dims = (int[])value.Dims.Clone();
            int[] strides = Shapes.Strides(dims);
            int origin = 0;
            for (int i = 0; i < starts.Length; i++)
            {
                int axis = Shapes.Axis(axes == null ? i : axes[i], dims.Length);
                long step = by == null ? 1 : by[i];
                if (step < 1)
                    throw Fault("slices go forward");
                long length = value.Dims[axis];
                long start = Math.Max(0, Math.Min(length, starts[i] < 0 ? starts[i] + length : starts[i]));
                long end = Math.Max(0, Math.Min(length, ends[i] < 0 ? ends[i] + length : ends[i]));
                step = Math.Min(step, length + 1);
                dims[axis] = (int)Math.Max(0, (end - start + step - 1) / step);
                origin += (int)start * strides[axis];
                strides[axis] *= (int)step;
            }
            Emit(new MapStep { From = value.Buffer, Map = Shapes.Map(dims, strides, origin) }, Output, dims, value);
        }

        void AddSplit()
        {
            Value value = Made(0);
            int axis = Shapes.Axis(node.Int("axis", 0), value.Dims.Length);
            long[] lengths = Integers(1);
            if (lengths.Length != node.Outputs.Count)
                throw Fault("has " + lengths.Length + " sizes for " + node.Outputs.Count + " outputs");
            int[] strides = Shapes.Strides(value.Dims);
            long at = 0;
            for (int i = 0; i < lengths.Length; i++)
            {
                var dims = (int[])value.Dims.Clone();
                if (lengths[i] < 0 || at + lengths[i] > value.Dims[axis])
                    throw Fault("sizes do not fit " + Shapes.Text(value.Dims));
                dims[axis] = (int)lengths[i];
                Emit(
                    new MapStep { From = value.Buffer, Map = Shapes.Map(dims, strides, (int)at * strides[axis]) },
                    node.Outputs[i], dims, value);
                at += lengths[i];
            }
            if (at != value.Dims[axis])
                throw Fault("sizes do not fit " + Shapes.Text(value.Dims));
        }

        void AddSqueeze()
        {
            Value value = Input(0);
            var gone = new HashSet<int>();
            if (HasInput(1))
                foreach (long axis in Integers(1))
                    gone.Add(Shapes.Axis(axis, value.Dims.Length));
            var dims = new List<int>();
            for (int i = 0; i < value.Dims.Length; i++)
                if (HasInput(1) ? !gone.Contains(i) : value.Dims[i] != 1)
                    dims.Add(value.Dims[i]);
            Alias(Output, value, dims.ToArray());
        }

        void AddUnsqueeze()
        {
            Value value = Input(0);
            long[] axes = Integers(1);
            int rank = value.Dims.Length + axes.Length;
            var added = new HashSet<int>();
            foreach (long axis in axes)
                added.Add(Shapes.Axis(axis, rank));
            if (added.Count != axes.Length || rank > 8)
                throw Fault("axes do not fit " + Shapes.Text(value.Dims));
            var dims = new int[rank];
            int from = 0;
            for (int i = 0; i < rank; i++)
                dims[i] = added.Contains(i) ? 1 : value.Dims[from++];
            Alias(Output, value, dims);
        }

        void AddTranspose()
        {
            Value value = Made(0);
            int rank = value.Dims.Length;
            long[] order = node.Ints("perm");
            if (order.Length == 0)
            {
                order = new long[rank];
                for (int i = 0; i < rank; i++)
                    order[i] = rank - 1 - i;
            }
            var dims = new int[rank];
            var strides = new int[rank];
            int[] own = Shapes.Strides(value.Dims);
            var seen = new HashSet<int>();
            for (int i = 0; i < rank; i++)
            {
                int axis = Shapes.Axis(i < order.Length ? order[i] : rank, rank);
                if (!seen.Add(axis) || order.Length != rank)
                    throw Fault("perm does not fit " + Shapes.Text(value.Dims));
                dims[i] = value.Dims[axis];
                strides[i] = own[axis];
            }
            Emit(new MapStep { From = value.Buffer, Map = Shapes.Map(dims, strides, 0) }, Output, dims, value);
        }
    }
}
