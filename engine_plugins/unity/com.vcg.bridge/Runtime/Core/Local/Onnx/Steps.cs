using System;

namespace Vcg.Bridge.Local
{
    /// <summary>Memory that a program runs in. One thread at a time.</summary>
    internal sealed class Workspace
    {
        /// <summary>Values, by slot.</summary>
        public double[][] Slots = new double[0][];

        public double[] Scratch = new double[0];

        /// <summary>Makes room for a program; memory that is there is used again.</summary>
        public void Fit(int[] slots, int scratch)
        {
            if (Slots.Length < slots.Length)
                Array.Resize(ref Slots, slots.Length);
            for (int i = 0; i < slots.Length; i++)
                if (Slots[i] == null || Slots[i].Length < slots[i])
                    Slots[i] = new double[slots[i]];
            if (Scratch.Length < scratch)
                Scratch = new double[scratch];
        }
    }

    /// <summary>One operation of a program, with its shapes and weights built in.</summary>
    internal abstract class Step
    {
        /// <summary>Slot of the result.</summary>
        public int To;

        public virtual int Scratch
        {
            get { return 0; }
        }

        public abstract void Run(Workspace space);

        /// <summary>Numbers of buffers to numbers of slots.</summary>
        public virtual void Place(int[] slotOf)
        {
            To = slotOf[To];
        }
    }

    /// <summary>A step with one operand.</summary>
    internal abstract class SingleStep : Step
    {
        /// <summary>Slot of the operand.</summary>
        public int From;

        public override void Place(int[] slotOf)
        {
            base.Place(slotOf);
            From = slotOf[From];
        }
    }

    /// <summary>Rows of a table of weights, chosen by a value.</summary>
    internal sealed class GatherStep : SingleStep
    {
        public int Count;
        public OnnxTensor Table;

        public override void Run(Workspace space)
        {
            double[] indices = space.Slots[From];
            double[] to = space.Slots[To];
            int rows = Table.Dims[0];
            int length = Table.Floats.Length / rows;
            for (int i = 0; i < Count; i++)
            {
                int row = (int)indices[i];
                if (row < 0)
                    row += rows;
                if (row < 0 || row >= rows)
                    throw new OnnxException("asks for row " + row + " of a table of " + rows);
                for (int j = 0; j < length; j++)
                    to[i * length + j] = Table.Floats[row * length + j];
            }
        }
    }

    /// <summary>A vector times a matrix of weights [outputs, inputs].</summary>
    internal sealed class LinearStep : SingleStep
    {
        public float[] Weights;
        public float[] Bias;
        public int Inputs;
        public int Outputs;
        public double Factor = 1;
        public double BiasFactor = 1;

        public override void Run(Workspace space)
        {
            double[] x = space.Slots[From];
            double[] y = space.Slots[To];
            float[] w = Weights;
            for (int o = 0; o < Outputs; o++)
            {
                int at = o * Inputs;
                double sum = 0;
                int i = 0;
                for (; i + 3 < Inputs; i += 4)
                    sum += (w[at + i] * x[i] + w[at + i + 1] * x[i + 1])
                        + (w[at + i + 2] * x[i + 2] + w[at + i + 3] * x[i + 3]);
                for (; i < Inputs; i++)
                    sum += w[at + i] * x[i];
                y[o] = sum * Factor + (Bias == null ? 0 : Bias[o] * BiasFactor);
            }
        }
    }

    /// <summary>A convolution.</summary>
    internal sealed class ConvolutionStep : SingleStep
    {
        public Convolution Convolution;

        public override int Scratch
        {
            get { return Convolution.Scratch; }
        }

        public override void Run(Workspace space)
        {
            Convolution.Run(space.Slots[From], space.Slots[To], space.Scratch);
        }
    }

    /// <summary>max(x, slope x), and a range to cut to.</summary>
    internal sealed class PointStep : SingleStep
    {
        public int Count;
        public double Slope = 1;
        public double Low = double.NegativeInfinity;
        public double High = double.PositiveInfinity;

        public override void Run(Workspace space)
        {
            double[] x = space.Slots[From];
            double[] y = space.Slots[To];
            for (int i = 0; i < Count; i++)
            {
                double value = x[i];
                if (value < 0)
                    value *= Slope;
                y[i] = value < Low ? Low : value > High ? High : value;
            }
        }
    }

    /// <summary>Sum, difference or product of two tensors, one of which may be a constant.</summary>
    internal sealed class PairStep : Step
    {
        public char Operation;
        public int Count;
        public int First = -1;
        public int Second = -1;
        public double[] FirstConstant;
        public double[] SecondConstant;

        /// <summary>For each result, which element; null for the one of the same number.</summary>
        public int[] FirstMap;

        public int[] SecondMap;

        public override void Place(int[] slotOf)
        {
            base.Place(slotOf);
            First = First < 0 ? First : slotOf[First];
            Second = Second < 0 ? Second : slotOf[Second];
        }

        public override void Run(Workspace space)
        {
            double[] a = FirstConstant ?? space.Slots[First];
            double[] b = SecondConstant ?? space.Slots[Second];
            double[] y = space.Slots[To];
            for (int i = 0; i < Count; i++)
            {
                double p = a[FirstMap == null ? i : FirstMap[i]];
                double q = b[SecondMap == null ? i : SecondMap[i]];
                y[i] = Operation == '+' ? p + q : Operation == '-' ? p - q : p * q;
            }
        }
    }

    /// <summary>Elements of a tensor in another order.</summary>
    internal sealed class MapStep : SingleStep
    {
        public int[] Map;

        public override void Run(Workspace space)
        {
            double[] x = space.Slots[From];
            double[] y = space.Slots[To];
            for (int i = 0; i < Map.Length; i++)
                y[i] = x[Map[i]];
        }
    }

    /// <summary>Tensors behind each other along an axis.</summary>
    internal sealed class ConcatStep : Step
    {
        public int[] From;

        /// <summary>Constants, null where the part is a value.</summary>
        public double[][] Constants;

        /// <summary>Numbers of each part in one round.</summary>
        public int[] Lengths;

        public int Rounds;

        public override void Place(int[] slotOf)
        {
            base.Place(slotOf);
            for (int i = 0; i < From.Length; i++)
                if (Constants[i] == null)
                    From[i] = slotOf[From[i]];
        }

        public override void Run(Workspace space)
        {
            double[] y = space.Slots[To];
            int at = 0;
            for (int round = 0; round < Rounds; round++)
            {
                for (int i = 0; i < From.Length; i++)
                {
                    Array.Copy(Constants[i] ?? space.Slots[From[i]], round * Lengths[i], y, at, Lengths[i]);
                    at += Lengths[i];
                }
            }
        }
    }
}
