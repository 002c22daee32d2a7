using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>What went wrong: a stable code for programs, words and a hint for people.</summary>
    public class VcgException : Exception
    {
        private static readonly IReadOnlyDictionary<string, object> NoDetails = new Dictionary<string, object>();

        /// <summary>An error of this code.</summary>
        /// <param name="code">one of <see cref="Vocabulary.ErrorCode"/></param>
        /// <param name="message">what is wrong, and where</param>
        /// <param name="hint">what to do about it, "" where nothing is known</param>
        /// <param name="details">further named values for programs; null: none</param>
        public VcgException(string code, string message, string hint = "", IReadOnlyDictionary<string, object> details = null)
            : base(message)
        {
            Code = code;
            Hint = hint;
            Details = details ?? NoDetails;
        }

        /// <summary>One of <see cref="Vocabulary.ErrorCode"/>. Never changes its meaning.</summary>
        public string Code { get; }

        /// <summary>What to do about it; "" where nothing is known.</summary>
        public string Hint { get; }

        /// <summary>Named values for programs: null, bool, long, double or string. "retry_after_ms" of "busy".</summary>
        public IReadOnlyDictionary<string, object> Details { get; }

        /// <summary>Message and hint: what to show to a person.</summary>
        public string Text
        {
            get { return Hint.Length > 0 ? Message + " (" + Hint + ")" : Message; }
        }

        /// <summary>Milliseconds after which to try again; 0 where the server gave no advice.</summary>
        internal long RetryAfterMs
        {
            get
            {
                object value;
                return Details.TryGetValue("retry_after_ms", out value) && value is long ? (long)value : 0;
            }
        }

        /// <summary>An error as it came from a server. A code that is newer than this package becomes "internal".</summary>
        internal static VcgException FromWire(
            string code, string message, string hint, IReadOnlyDictionary<string, object> details)
        {
            if (Vocabulary.Errors.ContainsKey(code))
                return new VcgException(code, message, hint, details);
            return new VcgException(Vocabulary.ErrorCode.Internal, "[" + code + "] " + message, hint, details);
        }

        internal static VcgException Protocol(string message, string hint = "")
        {
            return new VcgException(Vocabulary.ErrorCode.Protocol, message, hint);
        }

        internal static VcgException BadRequest(string message, string hint = "")
        {
            return new VcgException(Vocabulary.ErrorCode.BadRequest, message, hint);
        }

        internal static VcgException Integrity(string message)
        {
            return new VcgException(Vocabulary.ErrorCode.Integrity, message);
        }

        internal static VcgException Cancelled()
        {
            return new VcgException(Vocabulary.ErrorCode.Cancelled, "the job was cancelled");
        }

        /// <summary>The same error for another who waits: an exception that is thrown twice loses where it is from.</summary>
        internal VcgException Again()
        {
            return new VcgException(Code, Message, Hint, Details);
        }
    }
}
