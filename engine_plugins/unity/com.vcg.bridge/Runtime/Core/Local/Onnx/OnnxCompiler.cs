using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>From a graph to a program: every operator that vcg_bridge/generators/operators.py has, for a batch of one.</summary>
    internal sealed partial class OnnxCompiler
    {
        /// <summary>A constant, or a value that is made while the program runs.</summary>
        sealed class Value
        {
            public OnnxTensor Constant;
            public int[] Dims;

            /// <summary>Number of the buffer that holds it; several values of one buffer differ in shape only.</summary>
            public int Buffer;
        }

        readonly OnnxGraph graph;
        readonly Dictionary<string, Value> values = new Dictionary<string, Value>(StringComparer.Ordinal);
        readonly List<Step> steps = new List<Step>();

        /// <summary>Numbers of each buffer, and the step that reads it last.</summary>
        readonly List<int> sizes = new List<int>();

        readonly List<int> lastUse = new List<int>();

        /// <summary>Buffers that each step reads.</summary>
        readonly List<List<int>> reads = new List<List<int>>();

        OnnxNode node;

        OnnxCompiler(OnnxGraph graph)
        {
            this.graph = graph;
        }

        /// <summary>The program of a file. Throws <see cref="OnnxException"/> where the file is no ONNX, or asks for
        /// something that is not here, or does not fit what the manifest says of it.</summary>
        public static OnnxProgram Compile(byte[] file, BundleNetwork network, int codeLength)
        {
            return new OnnxCompiler(OnnxGraph.Read(file)).Compile(network, codeLength);
        }

        OnnxProgram Compile(BundleNetwork network, int codeLength)
        {
            foreach (KeyValuePair<string, OnnxTensor> constant in graph.Constants)
                values[constant.Key] = new Value { Constant = constant.Value, Dims = constant.Value.Dims };
            Value code = Make(network.CodeInput, new[] { 1, codeLength });
            Value view = Make(network.ViewInput, new[] { 1 });
            foreach (OnnxNode next in graph.Nodes)
            {
                node = next;
                if (!OnnxGraph.IsOwn(node.Domain))
                    throw new OnnxException("uses operators beyond ONNX's own: " + node.Domain);
                Add();
            }
            Value output;
            if (!values.TryGetValue(network.Output, out output) || output.Constant != null)
                throw new OnnxException("the graph has no output '" + network.Output + "'");
            int[] expected = { 1, network.Classes, network.Height, network.Width };
            if (Shapes.Text(output.Dims) != Shapes.Text(expected))
                throw new OnnxException(
                    "'" + network.Output + "' is " + Shapes.Text(output.Dims) + ", the manifest says "
                    + Shapes.Text(expected));
            lastUse[output.Buffer] = int.MaxValue;
            return Assemble(code.Buffer, view.Buffer, output.Buffer);
        }

        // memory

        Value Make(string name, int[] dims)
        {
            Shapes.Checked(Array.ConvertAll(dims, x => (long)x), "'" + name + "'");
            var value = new Value { Dims = dims, Buffer = sizes.Count };
            sizes.Add(Shapes.Size(dims));
            lastUse.Add(-1);
            if (name.Length > 0)
                values[name] = value;
            return value;
        }

        /// <summary>The same numbers in another shape.</summary>
        void Alias(string name, Value value, int[] dims)
        {
            if (Shapes.Size(dims) != Shapes.Size(value.Dims))
                throw Fault(Shapes.Text(value.Dims) + " cannot become " + Shapes.Text(dims));
            values[name] = new Value
            {
                Dims = dims,
                Buffer = value.Buffer,
                Constant = value.Constant == null ? null : value.Constant.Shaped(dims),
            };
        }

        /// <summary>Adds a step that makes a new value from those.</summary>
        void Emit(Step step, string name, int[] dims, params Value[] from)
        {
            var read = new List<int>();
            foreach (Value value in from)
            {
                if (value.Constant == null)
                {
                    read.Add(value.Buffer);
                    lastUse[value.Buffer] = steps.Count;
                }
            }
            step.To = Make(name, dims).Buffer;
            steps.Add(step);
            reads.Add(read);
        }

        /// <summary>Buffers to slots: a slot is free again after its last use.</summary>
        OnnxProgram Assemble(int code, int view, int output)
        {
            var slotOf = new int[sizes.Count];
            var slots = new List<int>();
            var free = new List<int>();
            for (int buffer = 0; buffer < 2; buffer++)
            {
                slotOf[buffer] = slots.Count; // the inputs
                slots.Add(sizes[buffer]);
            }
            for (int i = 0; i < steps.Count; i++)
            {
                int made = steps[i].To;
                int slot = BestFree(free, slots, sizes[made]);
                if (slot < 0)
                {
                    slot = slots.Count;
                    slots.Add(sizes[made]);
                }
                free.Remove(slot);
                slots[slot] = Math.Max(slots[slot], sizes[made]);
                slotOf[made] = slot;
                foreach (int buffer in reads[i])
                    if (lastUse[buffer] == i && !free.Contains(slotOf[buffer]))
                        free.Add(slotOf[buffer]);
                if (lastUse[made] < 0)
                    free.Add(slot);
            }
            foreach (Step step in steps)
                step.Place(slotOf);
            return new OnnxProgram(steps, slots.ToArray(), slotOf[code], slotOf[view], slotOf[output]);
        }

        static int BestFree(List<int> free, List<int> slots, int size)
        {
            int best = -1;
            foreach (int slot in free)
            {
                bool fits = slots[slot] >= size;
                bool better = best < 0 || (fits ? slots[best] < size || slots[slot] < slots[best] : slots[slot] > slots[best]);
                if (better)
                    best = slot;
            }
            return best;
        }
    }
}
