using System;
using System.Collections.Generic;
using System.Reflection;

namespace Vcg.Bridge.Tests
{
    /// <summary>Makes a static method `string NAME(string[] arguments)` a check that can be run by its name.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class CheckAttribute : Attribute
    {
        public CheckAttribute(string name)
        {
            Name = name;
        }

        public string Name { get; }
    }

    /// <summary>What a check found wrong.</summary>
    internal sealed class CheckFailed : Exception
    {
        public CheckFailed(string message) : base(message)
        {
        }

        public static void Unless(bool good, string message)
        {
            if (!good)
                throw new CheckFailed(message);
        }
    }

    /// <summary>
    /// `program NAME ARGS`: runs a check of the package's core and prints one line of result. `program conformance JOB` plays
    /// the table of tests/conformance. Exit code 1: the check failed, and says why.
    /// </summary>
    internal static class Program
    {
        private static int Main(string[] arguments)
        {
            var checks = new SortedDictionary<string, MethodInfo>(StringComparer.Ordinal);
            const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
            foreach (Type type in Assembly.GetExecutingAssembly().GetTypes())
            {
                foreach (MethodInfo method in type.GetMethods(Static))
                {
                    var check = (CheckAttribute)Attribute.GetCustomAttribute(method, typeof(CheckAttribute));
                    if (check != null)
                        checks.Add(check.Name, method);
                }
            }
            MethodInfo wanted;
            if (arguments.Length == 0 || !checks.TryGetValue(arguments[0], out wanted))
            {
                Console.Error.WriteLine("error: give one of " + string.Join(", ", checks.Keys));
                return 2;
            }
            var rest = new string[arguments.Length - 1];
            Array.Copy(arguments, 1, rest, 0, rest.Length);
            try
            {
                var run = (Func<string[], string>)Delegate.CreateDelegate(typeof(Func<string[], string>), wanted);
                Console.WriteLine(run(rest));
                return 0;
            }
            catch (Exception error)
            {
                Console.Error.WriteLine("error: " + error);
                return 1;
            }
        }
    }
}
