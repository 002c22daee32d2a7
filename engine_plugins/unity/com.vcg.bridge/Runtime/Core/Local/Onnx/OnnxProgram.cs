using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// A graph made ready to run for one view at a time, in double precision: shapes worked out, weights in the order in
    /// which they are used, memory shared between values that do not live at the same time. Immutable; safe in threads.
    /// </summary>
    internal sealed class OnnxProgram
    {
        /// <summary>Numbers that all values together may have while it runs.</summary>
        const long MaxMemory = 64 << 20;

        readonly List<Step> steps;
        readonly int[] slots;
        readonly int scratch;
        readonly int code;
        readonly int view;
        readonly int output;

        internal OnnxProgram(List<Step> steps, int[] slots, int code, int view, int output)
        {
            this.steps = steps;
            this.slots = slots;
            this.code = code;
            this.view = view;
            this.output = output;
            long memory = 0;
            foreach (Step step in steps)
                scratch = Math.Max(scratch, step.Scratch);
            foreach (int slot in slots)
                memory += slot;
            if (memory + scratch > MaxMemory)
                throw new OnnxException("needs more than " + MaxMemory * 8 / (1 << 20) + " MiB to run");
        }

        /// <summary>The logits of one view: [classes, height, width]. Valid until the workspace is used again.</summary>
        public double[] Run(Workspace space, float[] style, int number)
        {
            space.Fit(slots, scratch);
            for (int i = 0; i < style.Length; i++)
                space.Slots[code][i] = style[i];
            space.Slots[view][0] = number;
            foreach (Step step in steps)
                step.Run(space);
            return space.Slots[output];
        }
    }
}
