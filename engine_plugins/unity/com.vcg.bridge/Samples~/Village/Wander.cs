using System;

namespace Vcg.Bridge.Samples
{
    /// <summary>How one villager walks about: to somewhere, rest, to somewhere else. Knows no engine.</summary>
    public sealed class Wander
    {
        const double Speed = 1.4; // units a second
        const double LongestRest = 3; // seconds

        readonly Random random;
        readonly double width;
        readonly double height;
        double goalX;
        double goalY;
        double rest;

        /// <param name="seed">the same seed walks the same way</param>
        /// <param name="width">of the village, in units; its middle is at 0, 0</param>
        /// <param name="height">likewise</param>
        public Wander(int seed, double width, double height)
        {
            random = new Random(seed);
            this.width = width;
            this.height = height;
            X = Somewhere(width);
            Y = Somewhere(height);
            ChooseGoal();
            rest = random.NextDouble() * LongestRest;
        }

        /// <summary>Where it stands.</summary>
        public double X { get; private set; }

        /// <summary>Where it stands.</summary>
        public double Y { get; private set; }

        /// <summary>Whether it goes somewhere.</summary>
        public bool IsWalking
        {
            get { return rest <= 0; }
        }

        /// <summary>"up", "left", "down" or "right".</summary>
        public string Direction { get; private set; } = "down";

        double Somewhere(double extent)
        {
            return (random.NextDouble() - 0.5) * extent;
        }

        /// <summary>People go along streets: across, then along.</summary>
        void ChooseGoal()
        {
            goalX = random.Next(2) == 0 ? X : Somewhere(width);
            goalY = goalX == X ? Somewhere(height) : Y;
        }

        /// <summary>Let time go by.</summary>
        /// <param name="seconds">0 or more</param>
        public void Advance(double seconds)
        {
            if (rest > 0)
            {
                rest -= seconds;
                return;
            }
            double x = goalX - X;
            double y = goalY - Y;
            double distance = Math.Sqrt(x * x + y * y);
            double step = Speed * seconds;
            if (distance <= step)
            {
                X = goalX;
                Y = goalY;
                ChooseGoal();
                rest = random.NextDouble() * LongestRest;
                return;
            }
            X += x / distance * step;
            Y += y / distance * step;
            if (Math.Abs(x) > Math.Abs(y))
                Direction = x < 0 ? "left" : "right";
            else
                Direction = y < 0 ? "down" : "up";
        }
    }
}
