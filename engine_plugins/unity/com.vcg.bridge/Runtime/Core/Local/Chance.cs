using System;
using System.Collections.Generic;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// Numbers that depend on a seed and on names alone, the same in every language: each choice has its own, so none shifts
    /// another. The twin of `unit` and `_race` in vcg_bridge/generators/design.py.
    /// </summary>
    internal sealed class Chance : IDisposable
    {
        readonly SHA256 hash = SHA256.Create();
        readonly string seed;

        public Chance(long seed)
        {
            this.seed = seed.ToString(CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            hash.Dispose();
        }

        /// <summary>Strictly between 0 and 1.</summary>
        public double Unit(params string[] names)
        {
            byte[] digest = hash.ComputeHash(Encoding.UTF8.GetBytes(seed + "\0" + string.Join("\0", names)));
            ulong number = 0;
            for (int i = 0; i < 8; i++)
                number = (number << 8) | digest[i];
            return ((number >> 11) + 0.5) / 9007199254740992.0;
        }

        /// <summary>The winner of an exponential race: the smallest -ln(unit) / weight; null of none.</summary>
        public string Race(IEnumerable<KeyValuePair<string, double>> weights, params string[] names)
        {
            string winner = null;
            double least = 0;
            var all = new string[names.Length + 1];
            names.CopyTo(all, 0);
            foreach (KeyValuePair<string, double> runner in weights)
            {
                all[names.Length] = runner.Key;
                double time = -Math.Log(Unit(all)) / runner.Value;
                if (winner == null || time < least)
                {
                    winner = runner.Key;
                    least = time;
                }
            }
            return winner;
        }
    }
}
