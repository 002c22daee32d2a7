using System;
using System.Collections.Generic;
using System.Threading;

namespace Vcg.Bridge.Editor
{
    /// <summary>Brings work from other threads to the editor's main thread: posted from anywhere, run by whoever drains.</summary>
    /// <remarks>As a SynchronizationContext it also brings the rest of an `await` there, whatever context Unity has at that
    /// moment: its own is another one after each domain reload.</remarks>
    public sealed class MainQueue : SynchronizationContext
    {
        readonly Queue<KeyValuePair<SendOrPostCallback, object>> waiting = new Queue<KeyValuePair<SendOrPostCallback, object>>();
        bool closed;

        /// <summary>Do this on the main thread, later. Does nothing once the queue is closed.</summary>
        public void Post(Action action)
        {
            Post(state => ((Action)state)(), action);
        }

        /// <summary>Likewise.</summary>
        public override void Post(SendOrPostCallback callback, object state)
        {
            lock (waiting)
                if (!closed)
                    waiting.Enqueue(new KeyValuePair<SendOrPostCallback, object>(callback, state));
        }

        /// <summary>Nobody waits for the main thread: it could be waiting for us.</summary>
        public override void Send(SendOrPostCallback callback, object state)
        {
            throw new NotSupportedException("Post it.");
        }

        /// <summary>The same queue.</summary>
        public override SynchronizationContext CreateCopy()
        {
            return this;
        }

        /// <summary>Run what is waiting. To be called on the main thread, again and again.</summary>
        /// <returns>How many were run.</returns>
        public int Drain()
        {
            var run = 0;
            int limit;
            lock (waiting)
                limit = waiting.Count; // what is posted meanwhile has its turn next time
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                for (; run < limit; run++)
                {
                    KeyValuePair<SendOrPostCallback, object> next;
                    lock (waiting)
                    {
                        if (waiting.Count == 0)
                            break;
                        next = waiting.Dequeue();
                    }
                    next.Key(next.Value);
                }
            }
            finally
            {
                SetSynchronizationContext(before);
            }
            return run;
        }

        /// <summary>Start something on the main thread whose awaits come back to this queue.</summary>
        public void Run(Action action)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                action();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }

        /// <summary>Forget what is waiting and take nothing more.</summary>
        public void Close()
        {
            lock (waiting)
            {
                closed = true;
                waiting.Clear();
            }
        }
    }
}
