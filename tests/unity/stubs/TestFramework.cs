using System;
using System.Collections;

namespace NUnit.Framework
{
    [AttributeUsage(AttributeTargets.Method)]
    public class TestAttribute : Attribute // com.unity.test-framework@1.1/reference-custom-attributes (NUnit 3: Test)
    {
    }

    [AttributeUsage(AttributeTargets.Method)]
    public class SetUpAttribute : Attribute // NUnit 3: SetUp
    {
    }

    [AttributeUsage(AttributeTargets.Method)]
    public class TearDownAttribute : Attribute // NUnit 3: TearDown
    {
    }

    public class Assert // NUnit 3: Classic model, Assert
    {
        public static void AreEqual(object expected, object actual) { } // NUnit 3: Assert.AreEqual
        public static void IsTrue(bool condition, string message, params object[] args) { } // NUnit 3: Assert.IsTrue
        public static void IsFalse(bool condition) { } // NUnit 3: Assert.IsFalse
        public static void IsNotNull(object anObject) { } // NUnit 3: Assert.IsNotNull
    }

    public class CollectionAssert // NUnit 3: CollectionAssert
    {
        public static void AreEqual(IEnumerable expected, IEnumerable actual) { } // NUnit 3: CollectionAssert.AreEqual
        public static void AreEquivalent(IEnumerable expected, IEnumerable actual) { } // NUnit 3: CollectionAssert.AreEquivalent
        public static void IsEmpty(IEnumerable collection) { } // NUnit 3: CollectionAssert.IsEmpty
    }
}

namespace UnityEngine.TestTools
{
    [AttributeUsage(AttributeTargets.Method)]
    public class UnityTestAttribute : Attribute // com.unity.test-framework@1.1/reference-attribute-unitytest
    {
    }
}
