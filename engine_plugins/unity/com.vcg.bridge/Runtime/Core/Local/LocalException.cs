using System;

namespace Vcg.Bridge.Local
{
    /// <summary>Something that the local generator cannot do, in words for people.</summary>
    public sealed class LocalException : Exception
    {
        /// <param name="code">error code of docs/protocol.md: "bundle", "recipe", "bad_request"</param>
        /// <param name="message">what is wrong, and where</param>
        /// <param name="hint">what to do about it, or ""</param>
        public LocalException(string code, string message, string hint = "") : base(message)
        {
            Code = code;
            Hint = hint;
        }

        /// <summary>The same codes as on the wire: "bundle", "recipe", "bad_request".</summary>
        public string Code { get; }

        /// <summary>What to do about it; "" where nothing is known.</summary>
        public string Hint { get; }
    }
}
