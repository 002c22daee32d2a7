using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>What went wrong with a connection.</summary>
    internal sealed class LinkException : Exception
    {
        /// <param name="reason">in words, to follow "no server at ...: "</param>
        /// <param name="fatal">an error with which trying again is of no use; null: it may be</param>
        internal LinkException(string reason, VcgException fatal = null) : base(reason)
        {
            Fatal = fatal;
        }

        internal VcgException Fatal { get; }
    }

    /// <summary>
    /// ZMTP 3 (rfc.zeromq.org 23 and 37) as a DEALER over any stream: handshake (NULL or PLAIN), messages in, messages out,
    /// an answer to each PING. One thread may read while others write.
    /// </summary>
    internal sealed class ZmtpStream
    {
        private const byte More = 1, Long = 2, Command = 4;
        private const int GreetingBytes = 64, MechanismBytes = 20, MaxCommandBytes = 4096, MaxPingContext = 16;
        private const int AtOnce = 1 << 20;  // a frame that claims more gets its memory as it comes

        private const string Foreign = "something else than a VCG Bridge server listens there";
        private static readonly byte[] Ready = Encoding.ASCII.GetBytes("\u0005READY");

        private readonly Stream stream;
        private readonly object writing = new object();
        private readonly byte[] buffer = new byte[1 << 16];
        private int start, filled;

        internal ZmtpStream(Stream stream)
        {
            this.stream = stream;
        }

        /// <summary>Greets, and comes back when the other side is ready.</summary>
        /// <exception cref="LinkException">why it will not be</exception>
        internal void ShakeHands(string user, string password)
        {
            string mechanism = user.Length > 0 ? "PLAIN" : "NULL";
            var greeting = new byte[GreetingBytes];
            greeting[0] = 0xFF;
            greeting[8] = 1;
            greeting[9] = 0x7F;
            greeting[10] = 3;
            greeting[11] = 1;
            Encoding.ASCII.GetBytes(mechanism, 0, mechanism.Length, greeting, 12);
            Write(greeting);
            byte[] theirs = ReadGreeting();
            string wanted = Encoding.ASCII.GetString(theirs, 12, MechanismBytes).TrimEnd('\0');
            if (wanted != mechanism)
                throw new LinkException(
                    "the server wants another kind of authentication (" + Printable(wanted) + ") than " + mechanism);
            if (mechanism == "PLAIN")
            {
                Send(Hello(user, password), Command);
                byte[] answer = ReadCommand();
                if (!IsCommand(answer, "WELCOME"))
                    throw Refused(answer);
            }
            Send(Metadata(mechanism), Command);
            byte[] ready = ReadCommand();
            if (!IsCommand(ready, "READY"))
                throw Refused(ready);
        }

        private byte[] ReadGreeting()
        {
            var theirs = new byte[GreetingBytes];
            Read(theirs, 0, 10);
            if (theirs[0] != 0xFF || (theirs[9] & 1) != 1)
                throw new LinkException(Foreign);
            Read(theirs, 10, 1);
            if (theirs[10] < 3)
                throw new LinkException("a ZeroMQ of an old version (before 4.0) listens there");
            Read(theirs, 11, GreetingBytes - 11);
            return theirs;
        }

        private static byte[] Hello(string user, string password)
        {
            byte[] name = Encoding.UTF8.GetBytes(user), secret = Encoding.UTF8.GetBytes(password);
            if (name.Length > 255 || secret.Length > 255)
                throw new LinkException(
                    "user or password is too long", VcgException.BadRequest("PLAIN: user and password have at most 255 bytes"));
            var body = new MemoryStream();
            body.Write(Encoding.ASCII.GetBytes("\u0005HELLO"), 0, 6);
            body.WriteByte((byte)name.Length);
            body.Write(name, 0, name.Length);
            body.WriteByte((byte)secret.Length);
            body.Write(secret, 0, secret.Length);
            return body.ToArray();
        }

        /// <summary>READY, or PLAIN's INITIATE: the socket's type. The identity stays empty.</summary>
        private static byte[] Metadata(string mechanism)
        {
            byte[] name = mechanism == "PLAIN" ? Encoding.ASCII.GetBytes("\u0008INITIATE") : Ready;
            byte[] property = Encoding.ASCII.GetBytes("\u000BSocket-Type\0\0\0\u0006DEALER");
            var body = new byte[name.Length + property.Length];
            Buffer.BlockCopy(name, 0, body, 0, name.Length);
            Buffer.BlockCopy(property, 0, body, name.Length, property.Length);
            return body;
        }

        private static bool IsCommand(byte[] body, string name)
        {
            if (body.Length <= name.Length || body[0] != name.Length)
                return false;
            for (int i = 0; i < name.Length; i++)
            {
                if (body[i + 1] != name[i])
                    return false;
            }
            return true;
        }

        private static LinkException Refused(byte[] body)
        {
            // libzmq counts the length of an ERROR that its PLAIN sends into the name, which then reads "^RROR".
            string text = Encoding.ASCII.GetString(body, 0, Math.Min(body.Length, 40));
            if (!IsCommand(body, "ERROR") && text.IndexOf("RROR", StringComparison.Ordinal) < 0)
                return new LinkException(Foreign);
            return new LinkException(
                "the server refused the connection",
                new VcgException(
                    Vocabulary.ErrorCode.Auth, "the server refused user and password", "see PlainUser and PlainPassword"));
        }

        private static string Printable(string text)
        {
            foreach (char character in text)
            {
                if (character < ' ' || character > '~')
                    return "an unknown one";
            }
            return text;
        }

        /// <summary>The next message. Answers commands that come before it.</summary>
        /// <exception cref="LinkException">it breaks the rules of ZMTP or the bounds of protocol 1</exception>
        /// <exception cref="IOException">the connection is gone</exception>
        internal List<byte[]> ReadMessage()
        {
            var frames = new List<byte[]>(2);
            while (true)
            {
                byte flags = Next();
                if ((flags & ~(More | Long | Command)) != 0 || (flags & (More | Command)) == (More | Command))
                    throw Broken("a frame of unknown kind");
                long length = Length(flags);
                if ((flags & Command) != 0)
                {
                    if (length > MaxCommandBytes)
                        throw Broken("a command of " + length + " bytes");
                    OnCommand(Body(length));
                    continue;
                }
                long most = frames.Count == 0 ? Vocabulary.MaxReplyBytes : Vocabulary.MaxBlobBytes;
                if (length > most || length < 0)
                    throw Broken("a frame of " + length + " bytes; at most " + most + " are allowed");
                if (frames.Count > Vocabulary.MaxReplyBlobs)
                    throw Broken("a message of more than " + (Vocabulary.MaxReplyBlobs + 1) + " frames");
                frames.Add(Body(length));
                if ((flags & More) == 0)
                    return frames;
            }
        }

        private static LinkException Broken(string what)
        {
            return new LinkException(what + " came", VcgException.Protocol("the server sent " + what));
        }

        private long Length(byte flags)
        {
            if ((flags & Long) == 0)
                return Next();
            long length = 0;
            for (int i = 0; i < 8; i++)
                length = length << 8 | Next();
            return length;
        }

        private byte[] ReadCommand()
        {
            byte flags = Next();
            if ((flags & Command) == 0 || (flags & ~(Long | Command)) != 0)
                throw new LinkException(Foreign);
            long length = Length(flags);
            if (length < 0 || length > MaxCommandBytes)
                throw new LinkException(Foreign);
            return Body(length);
        }

        private void OnCommand(byte[] body)
        {
            if (!IsCommand(body, "PING"))
                return;  // what we do not know is not for us
            const int Head = 5, TimeToLive = 2;
            int context = body.Length - Head - TimeToLive;
            if (context < 0 || context > MaxPingContext)
                throw Broken("a PING that is none");
            var pong = new byte[Head + context];
            Encoding.ASCII.GetBytes("\u0004PONG", 0, Head, pong, 0);
            Buffer.BlockCopy(body, Head + TimeToLive, pong, Head, context);
            Send(pong, Command);
        }

        /// <summary>Sends messages of one frame each, in one go.</summary>
        internal void Send(IList<byte[]> messages)
        {
            if (messages.Count == 1)
            {
                Send(messages[0], 0);
                return;
            }
            var all = new MemoryStream();
            foreach (byte[] message in messages)
            {
                byte[] framed = Framed(message, 0);
                all.Write(framed, 0, framed.Length);
            }
            Write(all.ToArray());
        }

        private void Send(byte[] body, byte flags)
        {
            Write(Framed(body, flags));
        }

        private static byte[] Framed(byte[] body, byte flags)
        {
            int head = body.Length > 255 ? 9 : 2;
            var framed = new byte[head + body.Length];
            framed[0] = (byte)(head == 9 ? flags | Long : flags);
            int length = body.Length;
            for (int i = head - 1; i > 0; i--, length >>= 8)
                framed[i] = (byte)length;
            Buffer.BlockCopy(body, 0, framed, head, body.Length);
            return framed;
        }

        private void Write(byte[] bytes)
        {
            lock (writing)
            {
                stream.Write(bytes, 0, bytes.Length);
                stream.Flush();
            }
        }

        private byte Next()
        {
            if (start == filled)
                Fill();
            return buffer[start++];
        }

        private void Fill()
        {
            start = 0;
            filled = stream.Read(buffer, 0, buffer.Length);
            if (filled <= 0)
            {
                filled = 0;
                throw new EndOfStreamException();
            }
        }

        private byte[] Body(long length)
        {
            var body = new byte[(int)Math.Min(length, AtOnce)];
            Read(body, 0, body.Length);
            while (body.Length < length)
            {
                int had = body.Length;
                Array.Resize(ref body, (int)Math.Min(length, 4L * had));
                Read(body, had, body.Length - had);
            }
            return body;
        }

        private void Read(byte[] target, int offset, int count)
        {
            while (count > 0)
            {
                int read = Math.Min(count, filled - start);
                if (read > 0)
                {
                    Buffer.BlockCopy(buffer, start, target, offset, read);
                    start += read;
                }
                else if (count >= buffer.Length)
                {
                    read = stream.Read(target, offset, count);
                    if (read <= 0)
                        throw new EndOfStreamException();
                }
                else
                {
                    Fill();
                    continue;
                }
                offset += read;
                count -= read;
            }
        }
    }
}
