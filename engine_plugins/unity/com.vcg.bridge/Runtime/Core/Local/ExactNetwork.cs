using System;
using System.Collections.Concurrent;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// One network of a bundle in double precision, in plain C#: what a doubtful view is drawn with, and what draws where no
    /// inference package is installed. Safe in threads.
    /// </summary>
    internal sealed class ExactNetwork
    {
        /// <summary>Memory that networks run in: as much as the largest needs for each thread, shared by all of them.</summary>
        internal sealed class Pool
        {
            readonly ConcurrentBag<Room> rooms = new ConcurrentBag<Room>();

            public Room Take()
            {
                Room room;
                return rooms.TryTake(out room) ? room : new Room();
            }

            public void Return(Room room)
            {
                rooms.Add(room);
            }
        }

        /// <summary>What one thread works with.</summary>
        internal sealed class Room
        {
            public readonly Workspace Space = new Workspace();
            public readonly Decision Decision = new Decision();
            public double[] Logits = new double[0];
        }

        readonly BundleNetwork network;
        readonly OnnxProgram program;
        readonly string place;

        /// <summary>Reads the network's file. Throws <see cref="VcgException"/> where it is missing, or not what the
        /// manifest says.</summary>
        public ExactNetwork(Bundle bundle, BundleNetwork network)
        {
            this.network = network;
            place = bundle.Place + ": " + network.File;
            byte[] file = bundle.Read(network.File);
            try
            {
                program = OnnxCompiler.Compile(file, network, bundle.Manifest.CodeLength);
            }
            catch (OnnxException fault)
            {
                throw Broken(fault.Message);
            }
        }

        VcgException Broken(string problem)
        {
            return new VcgException("bundle", place + ": " + problem, "get the bundle again, or export it again");
        }

        /// <summary>The class of each pixel of a view, [height, width].</summary>
        /// <param name="room">of the calling thread</param>
        /// <param name="code">style code</param>
        /// <param name="view">number of the view</param>
        /// <param name="classes">only the first so many can win</param>
        public byte[] Draw(Room room, float[] code, int view, int classes)
        {
            double[] logits;
            try
            {
                logits = program.Run(room.Space, code, view);
            }
            catch (OnnxException fault)
            {
                throw Broken(fault.Message);
            }
            if (!Decision.Finite(logits, network.Classes * network.Height * network.Width))
                throw Broken("gives numbers that are not finite");
            bool doubtful;
            return room.Decision.Classes(logits, classes, network.Height, network.Width, true, out doubtful);
        }
    }
}
